// The component: one View a host element. New data replace what is drawn; the camera stays.
import {
  IDENTITY,
  axisAngle,
  conjugate,
  fitCamera,
  multiply,
  normalize,
  panCamera,
  panelView,
  project,
  turnCamera,
  turnInput,
  zoomCamera,
} from "./math.js";
import { FlatStage } from "./flat.js";
import { drawTrails, writeMarks } from "./overlay.js";
import { make, makeCards } from "./panels.js";
import { Player, positionsAt } from "./playback.js";
import { listen, listenKeys } from "./pointer.js";
import { loadLibrary, shared, takeStage } from "./stage.js";
import { readTheme, shade } from "./theme.js";

const NO_WEBGL =
  "This browser offers no WebGL, so the scene is drawn flat. Turn on hardware acceleration in " +
  "the browser's settings, or use another browser, for the 3D view.";

class View {
  constructor(root) {
    this.root = root;
    this.square = make("div", "square");
    this.field = make("div", "field");
    this.under = make("canvas", "trails");
    this.notice = make("p", "notice");
    this.notice.hidden = true;
    this.square.append(this.field);
    this.bar = make("div", "bar");
    this.hint = make("span", "hint");
    this.resetButton = make("button", "quiet", "reset view");
    this.resetButton.type = "button";
    this.resetButton.title = "key 0";
    this.resetButton.onclick = () => this.reset();
    this.bar.append(this.hint, this.resetButton);
    root.append(this.notice, this.square, this.bar);
    this.panels = [];
    this.filled = [];
    this.trailed = [];
    this.turns = []; // turns of the input that Python has not answered yet
    this.turning = null; // the one under way
    this.pointed = { k: 0, index: null };
    this.stale = new Set();
    this.player = null;
    listenKeys(this, root);
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this.field);
    root.viewer = this; // for tests and the browser's console
  }

  async update(data, send) {
    this.began = performance.now();
    this.data = data;
    this.send = send;
    this.root.setAttribute("aria-label", data.alt);
    this.square.style.setProperty("--height", `${data.height}px`);
    this.hint.textContent = data.hint;
    const layout = JSON.stringify([data.rows, data.cols, data.across, data.down]);
    if (layout !== this.layout) {
      this.layout = layout;
      await (this.ready = this.rebuild(data));
    }
    await this.ready;
    if (data === this.data && !this.gone) this.take(data);
  }

  /** A new grid: cards, stage, layers. */
  async rebuild({ rows, cols, across, down, library }) {
    this.stage?.release();
    this.stage = null;
    this.filled = [];
    const { layer, cards } = makeCards(rows, cols, across, down);
    this.cards = cards;
    this.field.replaceChildren(this.under, layer);
    const below = make("div");
    this.under.after(below);
    cards.forEach(({ card, button }, k) => {
      listen(this, card, k);
      button.onclick = () => this.reportView();
    });
    try {
      if (library.missing) throw new Error("missing");
      const $3Dmol = await loadLibrary(library.url);
      if (this.gone) return;
      this.stage = takeStage($3Dmol, rows, cols, below);
    } catch (error) {
      below.replaceChildren();
      this.stage = new FlatStage(rows, cols, below);
      this.notice.textContent = error.message === "missing" ? library.sentence : NO_WEBGL;
      this.notice.hidden = false;
    }
  }

  /** Puts new data on the stage: only what changed, never the camera. */
  take(data) {
    this.turns = this.turns.filter(({ serial }) => serial > data.answered);
    this.theme = readTheme(this.square);
    this.panels = data.panels;
    const color = (name) => shade(name, this.theme);
    this.cards.forEach(({ write, cell }, k) => {
      cell.classList.toggle("empty", !this.panels[k]);
      if (this.panels[k]) write(this.panels[k], color);
    });
    this.takeTracks(data);
    this.takeCamera(data);
    this.panels.forEach((_, k) => this.stale.add(k));
    this.draw();
    this.stage.finish();
    this.redrawn = performance.now() - this.began;
  }

  takeTracks(data) {
    const tracks = this.panels.flatMap((panel) => panel.tracks);
    if (tracks.length === 0) {
      this.player?.bar.remove();
      this.player?.pause();
      this.player = null;
      this.under.width = 0;
      this.trailed = [];
      return;
    }
    const playing = this.panels.map((panel) => (panel.tracks.length ? panel.digest : "")).join();
    if (!this.player) {
      this.player = new Player(() => this.advance());
      this.bar.prepend(this.player.bar);
    }
    if (playing !== this.playing) this.player.load(tracks, data.playback);
    this.playing = playing;
  }

  takeCamera({ key, fit }) {
    const known = shared.cameras.get(key);
    if (known && known.token === fit.token) {
      this.camera = known.camera;
      return;
    }
    const keep = known?.camera.slice(4);
    this.camera = fitCamera(fit.centre, fit.radius, this.aspect(), keep);
    this.remember();
  }

  remember() {
    const { key, fit } = this.data;
    shared.cameras.set(key, { camera: this.camera, token: fit.token });
  }

  cell(k) {
    const { rows, cols } = this.data;
    const [width, height] = [this.field.clientWidth / cols, this.field.clientHeight / rows];
    return { x: (k % cols) * width, y: Math.floor(k / cols) * height, width, height };
  }

  /** Width over height of what a card leaves free for its picture, against the whole cell. */
  aspect() {
    const { width, height } = this.cell(0);
    const free = this.cards[0].card.querySelector(".space");
    return Math.min(free.clientWidth, free.clientHeight * (width / height)) / height || 1;
  }

  resize() {
    if (!this.stage || !this.panels.length || !this.field.clientWidth) return;
    this.stage.restore();
    this.drawAll();
  }

  /** The input's rotation that the panels show beyond what Python has drawn. */
  spin() {
    const parts = [...this.turns.map(({ q }) => q), ...(this.turning ? [this.turning] : [])];
    return parts.reduce((sum, q) => multiply(q, sum), IDENTITY);
  }

  panelView(k) {
    const panel = this.panels[k];
    const spun = panel.input || panel.follows;
    return spun ? panelView(this.camera, this.spin(), panel.centre) : this.camera;
  }

  drawAll() {
    this.panels.forEach((_, k) => this.stale.add(k));
    this.schedule();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (!this.stage || !this.field.clientWidth) return;
    if (!this.quick && this.stage.sharpen(false)) this.panels.forEach((_, k) => this.stale.add(k));
    for (const k of this.stale) this.drawPanel(k);
    this.stale.clear();
    this.refineSoon();
  }

  /** Once nothing moves, the same pictures at four samples a pixel; always, where that is cheap. */
  refineSoon() {
    clearTimeout(this.rest);
    if (this.quick) return;
    this.rest = setTimeout(() => {
      if (this.gone || this.player?.playing || !this.stage?.sharpen(true)) return;
      this.stage.finish();
      const began = performance.now();
      this.panels.forEach((_, k) => this.drawPanel(k));
      this.stage.finish();
      this.quick = performance.now() - began < 10;
    }, 150);
  }

  drawPanel(k) {
    const panel = this.panels[k];
    const unsettled = panel.follows && (this.turns.length > 0 || this.turning !== null);
    const wanted = `${panel.digest} ${unsettled} ${this.theme.key}`;
    const changed = this.filled[k] !== wanted;
    if (changed) {
      this.stage.fill(k, panel, this.theme, this.data.fit.radius, unsettled);
      this.filled[k] = wanted;
    }
    const moving = this.player && panel.tracks.length > 0;
    if (moving) this.stage.seek(k, this.player.time, positionsAt);
    const view = this.panelView(k);
    this.stage.draw(k, view, changed || moving);
    this.drawFlat(k, view, changed);
    if (panel.rotation) this.cards[k].note.textContent = this.label(panel);
  }

  /** What lies flat over and under panel k. */
  drawFlat(k, view = this.panelView(k), changed = false) {
    const panel = this.panels[k];
    const box = { width: this.field.clientWidth, height: this.field.clientHeight };
    const seen = JSON.stringify([view, box]);
    if (this.hasTracks() && (changed || this.trailed[k] !== seen)) {
      drawTrails(this.under, box, this.cell(k), view, panel.tracks, this.theme);
      this.trailed[k] = seen;
    }
    const pointed = this.pointed.k === k ? this.pointed.index : null;
    const { marks } = this.cards[k];
    writeMarks(marks, this.cell(k), view, panel.marks, this.places(panel), pointed);
  }

  hasTracks = () => this.player !== null;

  /** Where a panel's marks are now; null: where Python put them. */
  places(panel) {
    return panel.tracks.length ? positionsAt(panel.tracks[0], this.player.time) : null;
  }

  advance() {
    this.panels.forEach((panel, k) => panel.tracks.length && this.stale.add(k));
    this.draw();
  }

  label(panel) {
    const { degrees, axis } = axisAngle(multiply(this.spin(), panel.rotation));
    const digits = axis.map((part) => part.toFixed(2).replace("0.", "."));
    return `g = ${degrees.toFixed(0)}° about (${digits.join(" ")})`;
  }

  // What hands do (pointer.js).

  isInput = (k) => this.panels[k]?.input ?? false;
  hasInput = () => this.panels.some((panel) => panel.input);
  chosen = () => this.root.matches(":focus, :focus-within");

  move(camera) {
    this.camera = camera;
    this.remember();
    this.drawAll();
  }

  turnCamera = (turn) => this.move(turnCamera(this.camera, turn));
  pan = (dx, dy) => this.move(panCamera(this.camera, dx, dy, this.cell(0).height));
  zoom = (factor) => this.move(zoomCamera(this.camera, factor));
  reset = () => this.move(fitCamera(this.data.fit.centre, this.data.fit.radius, this.aspect()));

  turnInput(turn) {
    const before = this.turning ?? IDENTITY;
    const answered = this.turns.reduce((sum, { q }) => multiply(q, sum), IDENTITY);
    const shown = turnInput(this.camera, multiply(before, answered), turn);
    this.turning = normalize(multiply(shown, conjugate(answered)));
    this.panels.forEach((panel, k) => (panel.input || panel.follows) && this.stale.add(k));
    this.schedule();
  }

  /** The end of a turn of the input: one report, and the turn stays until it is answered. */
  settle() {
    if (!this.turning) return;
    const serial = this.nextSerial();
    const q = this.turning;
    this.turns.push({ serial, q });
    this.turning = null;
    this.send("drag", { quaternion: q, serial });
  }

  reportView() {
    this.send("view", { quaternion: this.camera.slice(4), serial: this.nextSerial() });
  }

  nextSerial() {
    shared.serial = (shared.serial ?? 0) + 1;
    return shared.serial;
  }

  atomAt(k, { x, y }) {
    const panel = this.panels[k];
    if (!panel || !this.camera) return null;
    const { cell, card } = this.cards[k];
    const [dx, dy] = [card.offsetLeft - cell.offsetLeft, card.offsetTop - cell.offsetTop];
    const { width, height } = this.cell(k);
    const view = this.panelView(k);
    const places = this.places(panel);
    let best = null;
    panel.marks.forEach((mark, index) => {
      const seen = project(view, places?.[index] ?? mark.at, width, height);
      const near = Math.hypot(seen.x - x - dx, seen.y - y - dy) < Math.max(8, mark.r * seen.scale);
      if (near && (best === null || seen.depth > best.depth)) best = { index, depth: seen.depth };
    });
    return best?.index ?? null;
  }

  point(k, index) {
    if (this.pointed.k === k && this.pointed.index === index) return;
    const before = this.pointed.k;
    this.pointed = { k, index };
    if (!this.stage) return;
    if (before !== k && this.panels[before]) this.drawFlat(before);
    if (this.panels[k]) this.drawFlat(k);
  }

  pick(k, place) {
    const atom = this.atomAt(k, place);
    if (atom !== null) this.send("pick", { panel: k, atom, serial: this.nextSerial() });
  }

  dispose() {
    this.gone = true;
    this.watcher.disconnect();
    this.player?.pause();
    this.stage?.release();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
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
