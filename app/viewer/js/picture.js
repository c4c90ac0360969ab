// What is drawn and when: keeps each panel's picture in step with its content, view and theme.
import { panCamera, panelView } from "./math.js";
import { drawTrails, markAt, writeMarks } from "./overlay.js";
import { framesOf, nameOf, positionsAt } from "./frames.js";
import { shade } from "./theme.js";

const REST = 300; // ms without a change before edges are smoothed
const CHEAP = 8; // ms for all panels: a machine that need not wait

/** The power of ten that draws the longest vector at least 0.3 Å long. */
function magnified(vectors, scale) {
  let top = 0;
  for (let i = 0; i < vectors.length; i += 3) {
    top = Math.max(top, Math.hypot(vectors[i], vectors[i + 1], vectors[i + 2]));
  }
  return top > 0 ? Math.max(0, Math.ceil(Math.log10(0.3 / (top * scale)))) : 0;
}

export class Picture {
  constructor(field, trails, camera, turns) {
    Object.assign(this, { field, trails, camera, turns });
    this.stage = null;
    this.panels = [];
    this.stale = new Set();
    this.time = 0; // of the tracks, in frames
    this.playing = false;
    this.pointed = { k: 0, index: null };
    this.spin = null; // the turn of the last live answer: what is shown belongs to it
    this.lower = 0; // pixels by which scenes stand below the middle of their cells
    this.residual = false; // whether residuals are shown
    this.forget();
  }

  /** A new stage or none, with the panels' layers for marks. */
  open(stage, rows, cols, layers) {
    Object.assign(this, { stage, rows, cols, layers });
    this.forget();
  }

  forget() {
    this.moved = []; // by panel: vectors of a live answer, by role
    this.filled = []; // what each panel of the stage holds
    this.shown = []; // and what its pixels show
    this.trailed = []; // the view in which its paths are drawn
  }

  close() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
    this.stage?.release();
    this.stage = null;
  }

  take(panels, theme, reach) {
    Object.assign(this, { panels, theme, reach, spin: null, moved: [] });
    for (let k = panels.length; k < this.rows * this.cols; k++) this.stage.clear(k);
    this.stale = new Set(panels.keys());
    this.draw(true); // and does not wait for the pixels: the rest of the page comes meanwhile
  }

  resize() {
    if (!this.stage || !this.panels.length || !this.field.clientWidth) return;
    this.stage.restore();
    this.shown = [];
    this.change();
  }

  /** Gives a set of arrows other vectors, or paths other places; the power of ten of the magnification. */
  move(k, name, vectors) {
    const field = this.panels[k].fields.find((field) => nameOf(field) === name);
    if (!field) return 0;
    const exponent = field.magnified ? magnified(vectors, field.scale) : 0;
    this.moved[k] = { ...this.moved[k], [name]: { vectors, stretch: field.scale * 10 ** exponent } };
    if (field.places) this.reroute(k, field, vectors);
    this.stretch(k);
    return exponent;
  }

  /** Lets the bodies of panel k that go along a path go along other places. */
  reroute(k, { role, bodies }, places) {
    for (const track of this.stage.tracks[k].filter((track) => track.role === role)) {
      track.frames = framesOf(places, bodies);
    }
  }

  /** Brings the arrows of panel k in line with what is known and wanted. */
  stretch(k) {
    const unknown = this.panels[k].follows && this.turns.pending && this.spin === null;
    for (const field of this.panels[k].fields) {
      const now = this.moved[k]?.[nameOf(field)];
      const hidden =
        (field.role === "residual" && !this.residual) || (field.role !== "left" && unknown);
      const stretch = now?.stretch ?? field.scale * field.magnify;
      if (field.role === "first") continue;
      const vectors = now?.vectors ?? field.places ?? field.vectors;
      this.stage.move(k, nameOf(field), vectors, hidden ? 0 : stretch);
    }
  }

  /** Draws who looks at whom in panel k: a rod a pair, thicker for more; of one atom, if one is chosen. */
  rods(k, attention) {
    const at = this.panels[k].marks.map((mark) => mark.at);
    const found = [];
    if (attention && attention.map.length === at.length) {
      const { map, chosen } = attention;
      const top = Math.max(...map.flat().map(Math.abs), 1e-12);
      map.forEach((row, i) =>
        row.forEach((value, j) => {
          const weight = Math.abs(value) / top;
          if (i === j || weight < 0.05 || (chosen !== null && chosen !== i)) return;
          const end = chosen === null ? at[i].map((c, a) => (c + at[j][a]) / 2) : at[j];
          found.push({ start: at[i], end, weight });
        }),
      );
    }
    this.stage.rods(k, found, attention ? shade(attention.color, this.theme) : "");
    this.stale.add(k);
    this.shown[k] = null;
    this.fresh = k; // made anew: to be rendered, not only shown
    this.draw();
  }

  /** Shows residuals or not. */
  show(residual) {
    this.residual = residual;
    this.panels.forEach((panel, k) => panel.fields.length && this.stretch(k));
    this.shown = [];
    this.change();
  }

  /** Redraws the panels that `which` picks, in the next frame or now. */
  change(which = () => true, now = false) {
    this.panels.forEach((panel, k) => which(panel) && this.stale.add(k));
    if (now) {
      for (const k of this.stale) this.shown[k] = null;
      return this.draw();
    }
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  /** Draws what is stale; `still` keeps the resolution, which takes longer to change than a draw. */
  draw(still = false) {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (!this.stage || !this.field.clientWidth) return;
    if (!still && !this.quick) this.sharpen(1);
    for (const k of this.stale) this.drawPanel(k);
    this.stale.clear();
    this.refineSoon();
  }

  /** Sets the samples a pixel (along one edge). A canvas that changes its size is empty. */
  sharpen(samples) {
    if (!this.stage.sharpen(samples)) return false;
    this.shown = [];
    this.stale = new Set(this.panels.keys());
    return true;
  }

  /** Once nothing moves, the same pictures with smooth edges; always, where that is cheap. */
  refineSoon() {
    clearTimeout(this.rest);
    if (this.quick) return;
    this.rest = setTimeout(() => {
      // The page is about to answer with new pictures: what is smoothed now is drawn in vain.
      if (this.turns.reported.length) return;
      if (this.playing || !this.stage || !this.sharpen(1.5)) return;
      this.stage.finish();
      const began = performance.now();
      this.draw(true);
      this.stage.finish();
      this.quick = performance.now() - began < CHEAP;
      if (this.quick && this.sharpen(2)) this.draw(true);
    }, REST);
  }

  drawPanel(k) {
    const panel = this.panels[k];
    const unsettled = panel.follows && this.turns.pending && this.spin === null;
    const content = `${panel.digest} ${unsettled} ${this.theme.key}`;
    const changed = this.filled[k] !== content;
    const view = this.view(k);
    const tracked = panel.tracks.length > 0;
    const wanted = `${content} ${view} ${tracked ? this.time : ""}`;
    if (this.shown[k] === wanted) return;
    if (changed) {
      this.stage.fill(k, panel, this.theme, this.reach, unsettled);
      this.stretch(k);
    }
    if (tracked) this.stage.seek(k, this.time, positionsAt);
    this.stage.draw(k, view, changed || panel.tracks.some(({ trail }) => trail) || this.fresh === k);
    if (this.fresh === k) this.fresh = null;
    if (changed) this.trailed[k] = null;
    this.filled[k] = content;
    this.shown[k] = wanted;
    this.drawFlat(k);
  }

  /** What lies flat under and over panel k. */
  drawFlat(k) {
    const panel = this.panels[k];
    const [view, cell] = [this.view(k), this.cell(k)];
    const box = { width: this.field.clientWidth, height: this.field.clientHeight };
    const seen = JSON.stringify([view, box]);
    if (this.hasTrails && this.trailed[k] !== seen) {
      drawTrails(this.trails, box, cell, view, panel.tracks, this.theme);
      this.trailed[k] = seen;
    }
    const pointed = this.pointed.k === k ? this.pointed.index : null;
    writeMarks(this.layers[k], cell, view, panel.marks, this.places(k), pointed);
  }

  get hasTrails() {
    return this.panels.some((panel) => panel.tracks.some(({ trail }) => trail));
  }

  /** Where panel k's marks are now; null: where Python put them. */
  places(k) {
    const [track] = this.stage.tracks[k];
    return track ? positionsAt(track, this.time) : null;
  }

  cell(k) {
    const [width, height] = [this.field.clientWidth / this.cols, this.field.clientHeight / this.rows];
    return { x: (k % this.cols) * width, y: Math.floor(k / this.cols) * height, width, height };
  }

  /** The eight numbers with which panel k is seen. */
  view(k) {
    const panel = this.panels[k];
    const spun = panel.input || panel.follows;
    const { view } = this.camera;
    const seen = this.lower ? panCamera(view, 0, this.lower, this.cell(k).height) : view;
    return spun ? panelView(seen, this.spin ?? this.turns.total, panel.centre) : seen;
  }

  /** The index of the atom or body at a place in cell k, or null. */
  at(k, place) {
    const panel = this.panels[k];
    if (!panel || !this.stage) return null;
    return markAt(place, this.cell(k), this.view(k), panel.marks, this.places(k));
  }

  point(k, index) {
    const before = this.pointed.k;
    if (before === k && this.pointed.index === index) return;
    this.pointed = { k, index };
    if (!this.stage) return;
    if (before !== k && this.panels[before]) this.drawFlat(before);
    if (this.panels[k]) this.drawFlat(k);
  }
}
