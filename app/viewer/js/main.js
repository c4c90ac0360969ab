// The component: one View a host element. New data replace what is drawn; the camera stays.
import { Camera } from "./camera.js";
import { chooseStage } from "./choose.js";
import { axisAngle, multiply } from "./math.js";
import { make, makeCards } from "./panels.js";
import { Picture } from "./picture.js";
import { Player } from "./playback.js";
import { listen, listenKeys } from "./pointer.js";
import { shared } from "./stage.js";
import { makeTable } from "./table.js";
import { readTheme, shade } from "./theme.js";
import { Turns } from "./turns.js";

class View {
  constructor(root) {
    this.root = root;
    this.square = make("div", "square");
    this.field = make("div", "field");
    this.trails = make("canvas", "trails");
    this.notice = make("p", "notice");
    this.notice.hidden = true;
    this.square.append(this.field);
    this.bar = make("div", "bar");
    this.hint = make("span", "hint");
    const resetButton = make("button", "quiet", "reset view");
    Object.assign(resetButton, { type: "button", title: "key 0", onclick: () => this.reset() });
    this.table = makeTable();
    this.bar.append(this.hint, this.table.button, resetButton);
    root.append(this.notice, this.square, this.bar, this.table.body);
    this.turns = new Turns();
    this.camera = new Camera(() => this.picture.change());
    this.picture = new Picture(this.field, this.trails, this.camera, this.turns);
    this.player = null;
    listenKeys(this, root);
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this.field);
    root.viewer = this; // for tests and the browser's console
  }

  get panels() {
    return this.picture.panels;
  }

  async update(data, send) {
    const began = performance.now();
    this.data = data;
    this.send = send;
    this.root.setAttribute("aria-label", data.alt);
    this.square.style.setProperty("--height", `${data.height}px`);
    this.square.style.setProperty("--shape", data.rows / data.cols);
    this.hint.textContent = data.hint;
    const layout = JSON.stringify([data.rows, data.cols, data.across, data.down]);
    if (layout !== this.layout) {
      this.layout = layout;
      this.ready = this.rebuild(data);
    }
    await this.ready;
    if (data !== this.data || this.gone) return;
    this.take(data);
    this.redrawn = performance.now() - began; // ms from data to picture
  }

  /** A new grid: cards, stage, layers. */
  async rebuild({ rows, cols, across, down, library }) {
    this.picture.close();
    const { layer, cards } = makeCards(rows, cols, across, down);
    this.cards = cards;
    const below = make("div");
    this.field.replaceChildren(this.trails, below, layer);
    cards.forEach(({ card, button }, k) => {
      listen(this, card, k);
      button.onclick = () => this.report("view", { quaternion: this.camera.view.slice(4) });
    });
    await this.sized();
    const { stage, sentence } = await chooseStage(library, rows, cols, below);
    this.notice.textContent = sentence;
    this.notice.hidden = sentence === "";
    const layers = cards.map(({ marks }) => marks);
    this.picture.open(stage, rows, cols, layers);
    if (this.gone) this.picture.close();
  }

  /** Waits for a place on the page: in a closed tab or expander there is none yet. */
  sized() {
    if (this.field.clientWidth) return Promise.resolve();
    return new Promise((resolve) => (this.placed = resolve));
  }

  /** Puts new data on the stage: only what changed, never the camera. */
  take(data) {
    const theme = readTheme(this.square);
    const color = (name) => shade(name, theme);
    this.turns.answer(data.answered);
    this.cards.forEach(({ write, cell }, k) => {
      cell.classList.toggle("empty", !data.panels[k]);
      if (data.panels[k]) write(data.panels[k], color);
    });
    this.table.write(data.panels);
    this.takeTracks(data);
    this.camera.take(data.key, data.fit, this.aspect());
    this.picture.take(data.panels, theme, data.fit.radius);
    this.writeRotation();
  }

  takeTracks({ panels, playback }) {
    const tracks = panels.flatMap((panel) => panel.tracks);
    if (tracks.length === 0) {
      this.player?.pause();
      this.player?.bar.remove();
      this.player = null;
      this.trails.width = 0;
      return;
    }
    if (!this.player) {
      this.player = new Player((time, playing) => this.advance(time, playing));
      this.bar.prepend(this.player.bar);
    }
    const scene = panels.map((panel) => (panel.tracks.length ? panel.digest : "")).join();
    if (scene !== this.scene) this.player.load(tracks, playback);
    this.scene = scene;
  }

  advance(time, playing) {
    Object.assign(this.picture, { time, playing });
    this.panels.forEach((panel, k) => panel.tracks.length && this.picture.stale.add(k));
    this.picture.draw();
  }

  /** Width over height of what a card leaves free for its picture, against the whole cell. */
  aspect() {
    const { width, height } = this.picture.cell(0);
    const free = this.cards[0].card.querySelector(".space");
    return Math.min(free.clientWidth, free.clientHeight * (width / height)) / height || 1;
  }

  resize() {
    if (this.field.clientWidth) this.placed?.();
    this.picture.resize();
  }

  /** g as it is shown, with the turn under way, at the foot of the panels that show it. */
  writeRotation() {
    this.panels.forEach(({ rotation }, k) => {
      if (!rotation) return;
      const { degrees, axis } = axisAngle(multiply(this.turns.total, rotation));
      const parts = axis.map((part) => part.toFixed(2).replace("0.", "."));
      this.cards[k].note.textContent = `g = ${degrees.toFixed(0)}° about (${parts.join(" ")})`;
    });
  }

  // What hands do (pointer.js).

  isInput = (k) => this.panels[k]?.input ?? false;
  hasInput = () => this.panels.some((panel) => panel.input);
  chosen = () => this.root.matches(":focus, :focus-within");
  turnCamera = (turn) => this.camera.turn(turn);
  pan = (dx, dy) => this.camera.pan(dx, dy, this.picture.cell(0).height);
  zoom = (factor) => this.camera.zoom(factor);
  reset = () => this.camera.reset(this.aspect());
  point = (k, index) => this.picture.point(k, index);

  turnInput(turn) {
    this.turns.add(this.camera.view, turn);
    this.picture.change((panel) => panel.input || panel.follows);
    this.writeRotation();
  }

  /** The end of a turn of the input: one report. */
  settle() {
    const quaternion = this.turns.current;
    if (quaternion) this.turns.settle(this.report("drag", { quaternion }));
  }

  pick(k, place) {
    const atom = this.atomAt(k, place);
    if (atom !== null) this.report("pick", { panel: k, atom });
  }

  atomAt(k, place) {
    const { cell, card } = this.cards[k];
    const x = place.x + card.offsetLeft - cell.offsetLeft;
    const y = place.y + card.offsetTop - cell.offsetTop;
    return this.picture.at(k, { x, y });
  }

  /** Tells Python; the number of the report. */
  report(name, value) {
    shared.serial = (shared.serial ?? 0) + 1;
    this.send(name, { ...value, serial: shared.serial });
    return shared.serial;
  }

  dispose() {
    this.gone = true;
    this.watcher.disconnect();
    this.player?.pause();
    this.picture.close();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".demetar-viewer");
  let view = shared.views.get(root);
  if (!view || view.gone) {
    root.replaceChildren();
    view = new View(root);
    shared.views.set(root, view);
  }
  view.update(data, setTriggerValue);
  return () => view.dispose();
}
