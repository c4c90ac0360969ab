// Plays tracks of frames in the browser: no word with the server, at the screen's own pace.
import { make } from "./panels.js";

/** Positions [n][3] of a track at a time in frames, between frames in a straight line. */
export function positionsAt({ frames }, time) {
  const low = Math.min(Math.floor(time), frames.length - 1);
  const high = Math.min(low + 1, frames.length - 1);
  const part = time - Math.floor(time);
  return frames[low].map((from, i) => from.map((c, k) => c + part * (frames[high][i][k] - c)));
}

export class Player {
  constructor(redraw) {
    this.redraw = redraw;
    this.time = 0;
    this.length = 1;
    this.playing = false;
    this.rate = 30; // frames of the data a second
    this.drawn = []; // when the latest pictures were drawn, ms
    this.bar = make("div", "player");
    this.button = make("button", "play");
    this.button.type = "button";
    this.button.onclick = () => this.toggle();
    this.scrub = make("input");
    Object.assign(this.scrub, { type: "range", min: 0, step: "any", value: 0 });
    this.scrub.setAttribute("aria-label", "time");
    this.scrub.oninput = () => this.seek(Number(this.scrub.value));
    this.clock = make("output");
    this.speed = make("select");
    this.speed.setAttribute("aria-label", "speed");
    for (const value of [0.25, 0.5, 1, 2, 4]) {
      const option = make("option", "", `${value}×`);
      option.value = value;
      option.selected = value === 1;
      this.speed.append(option);
    }
    this.bar.append(this.button, this.scrub, this.clock, this.speed);
    this.show();
  }

  /** Takes new tracks; starts by itself if asked to and the reader has nothing against motion. */
  load(tracks, { rate, unit, step, autoplay }) {
    this.length = Math.max(1, ...tracks.map((track) => track.frames.length));
    Object.assign(this, { rate, unit, step });
    this.scrub.max = this.length - 1;
    this.time = Math.min(this.time, this.length - 1);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (autoplay && !still) this.play();
    this.show();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.time >= this.length - 1) this.time = 0;
    this.playing = true;
    this.drawn = [];
    let before = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      const passed = Math.min(now - before, 100) / 1000;
      before = now;
      this.time = Math.min(
        this.time + Math.max(0, passed) * this.rate * Number(this.speed.value),
        this.length - 1,
      );
      if (this.time >= this.length - 1) this.playing = false;
      this.redraw(this.time, this.playing);
      this.drawn = [...this.drawn.slice(-59), performance.now()];
      this.show();
      if (this.playing) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    this.show();
  }

  pause() {
    this.playing = false;
    this.redraw(this.time, false);
    this.show();
  }

  seek(time) {
    this.playing = false;
    this.time = time;
    this.redraw(time, false);
    this.show();
  }

  /** Pictures drawn a second over the latest sixty. */
  get framesPerSecond() {
    const span = this.drawn.at(-1) - this.drawn[0];
    return span > 0 ? (1000 * (this.drawn.length - 1)) / span : 0;
  }

  show() {
    const word = this.playing ? "Pause" : "Play";
    if (this.button.textContent !== word) this.button.textContent = word;
    this.scrub.value = this.time;
    const digits = this.step < 1 ? 2 : 0;
    this.clock.textContent = `${((this.step ?? 1) * this.time).toFixed(digits)} ${this.unit ?? ""}`;
  }
}
