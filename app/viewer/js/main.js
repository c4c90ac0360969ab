// The component: one View a host element. New data replace what is drawn; the camera stays.
import { Camera } from "./camera.js";
import { chooseStage } from "./choose.js";
import { axisText } from "./format.js";
import { axisAngle, conjugate, fromAxisAngle, multiply } from "./math.js";
import { save } from "./figure.js";
import { publish } from "./followers.js";
import { BLANK, clearOf, freeOf, make, makeCards } from "./panels.js";
import { Picture } from "./picture.js";
import { Player } from "./playback.js";
import { Live } from "./live.js";
import { listen, listenKeys } from "./pointer.js";
import { Side } from "./side.js";
import { shared } from "./shared.js";
import { makeTable } from "./table.js";
import { readTheme, shade } from "./theme.js";
import { Turns } from "./turns.js";

const trailed = (panels) => panels.some((panel) => panel.tracks.some(({ trail }) => trail));

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
    this.live = new Live(this);
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
    this.square.style.setProperty("--height", data.height);
    this.hint.textContent = data.hint;
    this.narrow = this.root.clientWidth < data.grid.narrower;
    const cells = data.grid[this.narrow ? "narrow" : "wide"];
    this.square.style.setProperty("--shape", cells.length / cells[0].length);
    this.square.style.setProperty("--rows", cells.length);
    const layout = JSON.stringify([cells, data.grid.joins, trailed(data.panels)]);
    if (layout !== this.layout) {
      this.layout = layout;
      this.cells = cells.flat();
      this.ready = this.rebuild(data, cells);
    }
    await this.ready;
    if (data !== this.data || this.gone) return;
    this.take(data);
    this.redrawn = performance.now() - began; // ms from data to picture
  }

  /** A new grid: cards, stage, layers. */
  async rebuild({ grid, library, panels }, cells) {
    this.picture.close();
    const [rows, cols] = [cells.length, cells[0].length];
    const opaque = !trailed(panels);
    const { layer, cards } = makeCards(cells, grid.joins);
    this.cards = cards;
    const below = make("div");
    this.field.replaceChildren(this.trails, below, layer);
    this.side = null;
    cards.forEach(({ card, cell, button, toggle }, k) => {
      if (this.cells[k] === "side") {
        this.side = new Side((name, value) => this.report(name, value));
        card.remove();
        cell.append(this.side.element);
        return;
      }
      listen(this, card, k);
      toggle.onclick = () => this.showResidual(!this.picture.residual);
      button.onclick = () => this.report("view", { quaternion: this.camera.view.slice(4) });
    });
    await this.sized();
    const { stage, sentence } = await chooseStage(library, rows, cols, below, opaque);
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
    shared.shown.set(data.key, this);
    const panels = this.cells.map((k) => data.panels[k] ?? BLANK);
    this.cards.forEach(({ write, cell }, k) => {
      cell.classList.toggle("empty", panels[k] === BLANK && this.cells[k] !== "side");
      write(panels[k], color);
    });
    if (data.side) this.side?.take(data.side, theme);
    this.table.write(data.panels);
    this.takeTracks({ ...data, panels });
    this.picture.panels = panels;
    this.camera.take(data.key, data.fit, this.aspect());
    this.picture.take(panels, theme, data.fit.radius);
    if (this.attention) this.look(this.attention);
    this.live.take(data.live, panels, data.live?.rotation);
    this.writeRotation();
    if (data.live) {
      this.live.verdicts = data.side?.models.map(({ judgement }) => judgement);
      if (!this.turns.pending) this.live.tell(this.live.g);
      else this.live.ask(true);
    }
  }

  takeTracks({ panels, playback }) {
    const tracks = panels.flatMap((panel) => panel.tracks);
    if (tracks.length === 0) {
      this.player?.close();
      this.player = null;
      this.trails.width = 0;
      return;
    }
    if (!this.player) {
      this.player = new Player(this.advance, (frame) => this.report("frame", { frame }));
      this.bar.prepend(this.player.bar);
    }
    const scene = panels.map((panel) => (panel.tracks.length ? panel.digest : "")).join();
    if (scene !== this.scene) this.player.load(tracks, playback);
    this.scene = scene;
    this.player.start(playback);
  }

  advance = (time, playing) => {
    Object.assign(this.picture, { time, playing });
    this.panels.forEach((panel, k) => panel.tracks.length && this.picture.stale.add(k));
    this.picture.draw();
    publish(`${this.data.key} time`, { time });
  };

  /** Width over height of what every card leaves free for its picture, against the whole cell. */
  aspect() {
    const { width, height } = this.picture.cell(0);
    const shown = this.cards.filter((_, k) => this.picture.panels[k] !== BLANK);
    const free = shown.map(freeOf);
    const { lower, aspect } = clearOf(free, { width, height }, Boolean(this.side), this.data.fit.fill);
    this.picture.lower = lower;
    return aspect;
  }

  resize() {
    if (this.field.clientWidth) this.placed?.();
    if (this.data && this.root.clientWidth < this.data.grid.narrower !== this.narrow) {
      return this.update(this.data, this.send);
    }
    this.picture.resize();
  }

  /** g as it is shown, with the turn under way, at the foot of the panels that show it. */
  writeRotation(g) {
    this.panels.forEach(({ rotation }, k) => {
      if (!rotation) return;
      const { degrees, axis } = axisAngle(g ?? multiply(this.turns.total, rotation));
      const text = `g = ${degrees.toFixed(0)}° about ${axisText(axis)}`;
      if (this.cards[k].note.textContent !== text) this.cards[k].note.textContent = text;
    });
  }

  /** Without an answer in time: what is not known is not shown. */
  unsettle() {
    if (!this.turns.pending) return;
    this.picture.spin = null;
    this.picture.change((panel) => panel.input || panel.follows);
    this.writeRotation();
  }

  /** Attention drawn into x as rods: {map, color, chosen}, or null. */
  look(attention) {
    this.attention = attention;
    const k = this.panels.findIndex((panel) => panel.index === 0);
    if (k < 0 || !this.picture.stage) return;
    this.picture.rods(k, attention);
  }

  save = (kind, name) => save(this, this.picture.stage?.viewers ? kind : "svg", name);

  showResidual(shown) {
    this.cards.forEach(({ press }) => press(shown));
    this.picture.show(shown);
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
    this.turned();
  }

  turned() {
    if (this.live.ask()) return;
    this.picture.spin = null;
    this.picture.change((panel) => panel.input || panel.follows);
    this.writeRotation();
  }

  /** g by its angle about an axis, from a slider on the page; `last`: the hand has let go. */
  turnTo(axis, degrees, last) {
    const known = this.data.live?.rotation;
    if (!known) return;
    const g = fromAxisAngle(axis, (degrees * Math.PI) / 180);
    this.turns.set(multiply(g, conjugate(known)));
    if (last) this.turns.settle(this.report("angle", { degrees }));
    if (!last || !this.live.ask(true)) this.turned();
  }

  /** The end of a turn of the input: one report. */
  settle() {
    const quaternion = this.turns.current;
    if (!quaternion) return;
    this.turns.settle(this.report("drag", { quaternion }));
    this.live.ask(true);
  }

  pick(k, place) {
    const atom = this.atomAt(k, place);
    if (atom === null) return;
    // A page with parts that follow needs no run of its script for a click.
    if (this.data.live) publish(`${this.data.key} pick`, { atom });
    else this.report("pick", { panel: this.panels[k].index, atom });
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
    this.live.close();
    this.watcher.disconnect();
    this.player?.close();
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
