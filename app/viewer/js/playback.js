// Plays tracks of frames in the browser: no word with the server, at the screen's own pace.
import { make } from "./panels.js";

export class Player {
  /** `redraw(time, playing)` shows a time; `rested(time)` is called when the reader leaves it there. */
  constructor(redraw, rested = () => {}) {
    Object.assign(this, { redraw, rested });
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
    this.scrub.onchange = () => this.rest();
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
    const length = Math.max(1, ...tracks.map(({ frames, every }) => (frames.length - 1) * every + 1));
    if (this.loaded && length !== this.length) this.time = 0; // another time span
    Object.assign(this, { rate, unit, step, length, loaded: true });
    this.scrub.max = this.length - 1;
    this.time = Math.min(this.time, this.length - 1);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (autoplay && !still && !this.begun) this.play();
    this.begun = autoplay; // by itself only once
    this.show();
  }

  /** Shows the frame that the page asks for, where it asks for another than before. */
  start({ start: frame, told }) {
    this.told = told; // whether the page wants to know
    if (frame === null || frame === this.asked) return;
    this.asked = frame;
    if (!this.playing) this.seek(Math.min(frame, this.length - 1));
  }

  /** The reader has left it here. */
  rest() {
    const frame = Math.round(this.time);
    if (!this.told || frame === this.asked) return;
    this.asked = frame;
    this.rested(frame);
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
      else this.rest();
    };
    requestAnimationFrame(tick);
    this.show();
  }

  pause() {
    const played = this.playing;
    this.playing = false;
    this.redraw(this.time, false);
    this.show();
    if (played) this.rest();
  }

  /** Ends it; nobody is told. */
  close() {
    this.playing = false;
    this.bar.remove();
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
