// While the hand moves: asks for g over the channel and puts the answer on the picture and the words.
import { Channel } from "./channel.js";
import { axisAngle, conjugate, multiply, rotate } from "./math.js";
import { delta, plain, times } from "./format.js";
import { publish } from "./followers.js";

const LATE = 150; // ms: then the molecule turns without its arrows
const JUDGE = 200; // ms between verdicts under the hand; they cost as much as arrows do,
const SPARE = 4; // so with many visitors only one answer in so many has one

export class Live {
  constructor(view) {
    this.view = view;
    this.judged = 0;
    this.took = 0; // ms of the last answer
    this.pointed = 0; // when the pointer moved last
    this.taken = []; // for measuring: [pointer to picture, question to answer] in ms, if asked for
  }

  /** New data of the page: a token, or none where the page has no channel. */
  take(live, panels, rotation) {
    this.models = live?.models ?? [];
    this.truth = live?.truth ?? null; // the panel of the true path, where there is one
    this.token = live?.token ?? null;
    this.rotation = rotation;
    this.rows = this.shown = null;
    if (!this.token) return;
    if (this.channel) this.channel.refused = false;
    this.channel ??= new Channel(
      live.path,
      (answer, note) => this.heard(answer, note),
      () => this.view.root.classList.toggle("live", this.ready),
    );
  }

  get ready() {
    return Boolean(this.token && this.channel?.ready);
  }

  /** The rotation that is shown now: what Python knows, and the turns since. */
  get g() {
    return multiply(this.view.turns.total, this.rotation ?? [0, 0, 0, 1]);
  }

  /** Asks for the rotation as it is now; false where nobody can be asked. */
  ask(last = false) {
    if (!this.ready) return false;
    const now = performance.now();
    const judge = last || now - this.judged > Math.max(JUDGE, SPARE * this.took);
    const spin = this.view.turns.total;
    const question = { view: this.token, q: this.g, layers: last, judge };
    this.sent = this.channel.ask(question, { spin, g: this.g, pointed: this.pointed, asked: now });
    if (this.sent && judge) this.judged = now;
    this.waiting = !this.sent;
    this.last = last;
    clearTimeout(this.late);
    this.late = setTimeout(() => this.view.unsettle(), LATE);
    return true;
  }

  heard({ part, models, truth }, note) {
    const { view } = this;
    if (models.length !== this.models.length) return;
    if (part === "verdict") {
      this.verdicts = models;
      view.side?.judge(models);
      return this.tell(this.shown ?? note.g);
    }
    clearTimeout(this.late);
    this.took = performance.now() - note.asked;
    if (this.waiting) this.ask(this.last);
    if (!view.turns.pending) return; // the page has answered in the meantime
    const back = conjugate(note.spin);
    this.rows = models;
    this.shown = note.g;
    models.forEach((row, i) => {
      const k = view.panels.findIndex((panel) => panel.index === this.models[i].panel);
      if (k < 0) return;
      view.picture.move(k, "right", turned(row.right, back));
      if (row.rollout) view.picture.move(k, "right path", turned(row.rollout, back));
      const exponent = view.picture.move(k, "residual", turned(row.residual, back));
      const { differ, unit } = this.models[i];
      const after = row.deltas?.length - 1;
      if (row.rollout) view.cards[k].note.textContent = `Δ_EQ after ${after} steps: ${delta(row.deltas[after])}`;
      else view.cards[k].differ(`${differ} ${plain(row.apart)} ${unit}`, times(exponent));
    });
    const k = view.panels.findIndex((panel) => panel.index === this.truth);
    if (truth && k >= 0) view.picture.move(k, "truth path", turned(truth.path, back));
    this.simulated = truth?.delta;
    view.picture.spin = note.spin;
    view.picture.change((panel) => panel.input || panel.follows, true);
    view.side?.show(models);
    view.writeRotation(note.g);
    this.tell(note.g);
    if (view.measuring && note.pointed) {
      view.picture.stage.finish();
      const now = performance.now();
      this.taken.push([now - note.pointed, now - note.asked]);
    }
  }

  /** Tells slider, curve and headline what is shown now. */
  tell(g) {
    const models = this.models.map((model, i) => ({
      ...model,
      ...this.rows?.[i],
      judgement: this.verdicts?.[i],
    }));
    const told = { models, simulated: this.simulated, live: this.rows !== null };
    publish(this.view.data.key, { ...axisAngle(g), ...told });
  }

  close() {
    clearTimeout(this.late);
    this.channel?.close();
    this.channel = null;
  }
}

function turned(flat, q) {
  const found = new Float32Array(flat.length);
  for (let i = 0; i < flat.length; i += 3) {
    found.set(rotate(q, [flat[i], flat[i + 1], flat[i + 2]]), i);
  }
  return found;
}
