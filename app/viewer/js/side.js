// The panel of the verdict: what Δ is, a number and a reason a model, a ruler of what rounding explains.
import { delta, plain, raised } from "./format.js";
import { make, svg } from "./panels.js";
import { shade } from "./theme.js";

const WORDS = {
  rounding: ["✓", (precision) => `${precision} rounding explains it`],
  structure: ["✗", () => "no rounding explains it"],
  mixed: ["✗", () => "rounding explains a part only"],
  still: ["–", () => "this g moves nothing"],
  zero: ["–", () => "all zero: nothing can differ"],
};
const [LOW, HIGH] = [-17, 1]; // powers of ten on the ruler

export class Side {
  constructor(report) {
    this.report = report;
    this.element = make("section", "side");
  }

  /** New data of the page: everything is drawn anew. */
  take(data, theme) {
    Object.assign(this, { data, theme });
    const head = make("header");
    head.append(make("h3", "", ""), this.choice("precision"));
    head.firstChild.append(make("b", "", data.question));
    const about = make("p", "about", data.about);
    about.title = data.help;
    head.firstChild.title = `${data.about} ${data.help}`; // the sentence has no room everywhere
    const row = make("div", "choices");
    row.append(...["of", "metric"].filter((name) => data.choices[name]).map((name) => this.choice(name)));
    this.models = data.models.map((model) => this.model(model));
    const numbers = make("div", "numbers");
    numbers.append(...this.models.map(({ element }) => element));
    this.ruler = make("div", "ruler");
    this.element.replaceChildren(head, about, row, numbers, this.ruler);
    this.show(data.models);
    this.judge(data.models.map(({ judgement }) => judgement));
  }

  choice(name) {
    const { options, value, label } = this.data.choices[name];
    const select = make("select", "quiet");
    select.setAttribute("aria-label", label);
    select.title = label;
    select.append(
      ...options.map(([key, text]) => Object.assign(make("option", "", text), { value: key })),
    );
    select.value = value;
    if (name === "metric" && this.data.of === "value") {
      select.disabled = true;
      select.title = "A number has one metric: how far it is off, relative to its size.";
    }
    select.onchange = () => this.report("choice", { name, value: select.value });
    return select;
  }

  model({ label, color }) {
    const element = make("div", "number");
    const number = make("output");
    number.style.color = shade(color, this.theme);
    const name = make("div", "name", label);
    const why = make("div", "why");
    const more = make("div", "more");
    element.append(number, name, why, more);
    return { element, number, why, more };
  }

  /** The numbers of the models at the g that is shown. */
  show(rows) {
    this.rows = rows;
    rows.forEach((row, i) => {
      const { number, more } = this.models[i];
      const { text, note } = this.read(row, i);
      if (number.textContent !== text) number.textContent = text;
      more.textContent = note;
      more.hidden = note === "";
    });
    this.draw();
  }

  /** What the chosen metric says of a row, as text. */
  read(row, i) {
    const { of, metric, models } = this.data;
    if (!row.delta) return { text: "…", note: "" };
    if (of === "value" || metric === "l2") return { text: delta(row.delta[of]), note: "" };
    if (metric === "largest") return { text: delta(row.metrics.largest), note: "" };
    if (metric === "spread") return { text: delta(models[i].spread ?? NaN), note: "over 256 rotations" };
    const unit = models[i].per ?? `${models[i].unit}/Å`;
    return { text: plain(row.metrics.mae), note: `${unit}, cosine ${row.metrics.cosine.toFixed(4)}` };
  }

  /** Whether rounding explains it, in words and a sign, never by a colour. */
  judge(judgements) {
    judgements.forEach((judgement, i) => {
      const { why } = this.models[i];
      const word = judgement?.word[this.data.of];
      const [sign, say] = WORDS[word] ?? ["", () => "measuring in a second precision …"];
      why.textContent = `${sign} ${say(this.data.precision)}`.trim();
      why.title = judgement?.sentence ?? "";
      why.dataset.word = word ?? "";
    });
  }

  draw() {
    const { bands, models, precision, of } = this.data;
    const at = (value) => `${((Math.log10(value) - LOW) / (HIGH - LOW)) * 100}%`;
    const clamp = (value) => Math.min(Math.max(value, 10 ** LOW), 10 ** HIGH);
    const tiny = ({ low, high }) => Math.log10(high / low) < 2;
    const parts = bands.map(({ name, low, high }, i) => {
      const band = make("span", name === precision ? "band" : "band faint");
      band.classList.toggle("tiny", tiny(bands[i]));
      band.classList.toggle("first", i + 1 < bands.length && tiny(bands[i + 1]));
      band.title = `What rounding in ${name} may leave`;
      band.style.left = at(low);
      band.style.width = `calc(${at(high)} - ${at(low)})`;
      band.textContent = name;
      return band;
    });
    for (let k = LOW + 1; k < HIGH; k += 4) {
      const tick = make("span", "tick", k === 0 ? "1" : `10${raised(k)}`);
      tick.style.left = at(10 ** k);
      parts.push(tick);
    }
    const marks = this.rows.map((row, i) => {
      if (!row.delta) return make("span");
      const mark = svg("svg", { viewBox: "-7 -7 14 20", width: 14, height: 20, class: "mark" });
      const fill = shade(models[i].color, this.theme);
      mark.append(svg("line", { x1: 0, x2: 0, y1: 0, y2: 12, stroke: fill, "stroke-width": 2 }));
      const shape = { fill, d: i === 0 ? "M5.5 0A5.5 5.5 0 1 1 -5.5 0A5.5 5.5 0 1 1 5.5 0" : "M-6 -5H6L0 6Z" };
      mark.append(svg("path", shape));
      mark.style.left = at(clamp(row.delta[of]));
      return mark;
    });
    this.ruler.replaceChildren(...parts, ...marks);
  }
}
