// The page around the canvas: cards, titles, captions, legends, the arrows of the square.

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text; // never as markup: it may be a user's
  return element;
}

/** What an empty cell shows. */
export const BLANK = {
  ...{ calls: [], tracks: [], marks: [], fields: [], legend: [], centre: [0, 0, 0] },
  ...{ digest: "", title: "", about: "", caption: "", note: "", help: "", magnified: "" },
  ...{ input: false, follows: false, view_button: false },
};

const SVG = "http://www.w3.org/2000/svg";
export function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** The small drawing in front of a legend's words: shape as well as colour tells them apart. */
function swatch(mark, color) {
  const picture = svg("svg", { width: 24, height: 10, viewBox: "0 0 24 10", "aria-hidden": "true" });
  const line = { x1: 1, y1: 5, x2: 17, y2: 5, stroke: color, "stroke-width": 2.5 };
  const dashes = { dashed: "4 3", ghost: "5 3", ring: "1.5 3.5" };
  if (mark in dashes) line["stroke-dasharray"] = dashes[mark];
  if (mark === "sleeve") Object.assign(line, { "stroke-width": 8, "stroke-opacity": 0.45 });
  if (mark === "rod") Object.assign(line, { x2: 23, "stroke-width": 5, "stroke-opacity": 0.6 });
  picture.append(svg("line", line));
  if (mark === "sleeve") {
    picture.append(svg("path", { d: "M15 0 L24 5 L15 10 Z", fill: color, "fill-opacity": 0.45 }));
  } else if (mark === "arrow" || mark === "dashed") {
    picture.append(svg("path", { d: "M16 1 L24 5 L16 9 Z", fill: color }));
  } else if (mark !== "rod" && mark !== "path") {
    const ball = { cx: 18, cy: 5, r: mark === "ring" ? 2.5 : 4, fill: color };
    picture.append(svg("circle", mark === "ghost" ? { ...ball, "fill-opacity": 0.45 } : ball));
  }
  return picture;
}

function fillLegend(list, entries, color) {
  const wanted = JSON.stringify([entries, entries.map((entry) => color(entry.color))]);
  if (list.dataset.shown === wanted) return;
  list.dataset.shown = wanted;
  list.replaceChildren(
    ...entries.map((entry) => {
      const item = make("li");
      item.append(swatch(entry.mark, color(entry.color)), make("span", "", entry.label));
      return item;
    }),
  );
}

/** One card: its parts, and `write(panel, color)` which puts new words on it. */
function makeCard() {
  const cell = make("div", "cell");
  const card = make("section", "card");
  const title = make("h3");
  const name = make("b");
  const about = make("span");
  title.append(name, " ", about);
  const legend = make("ul", "legend");
  const head = make("header");
  head.append(title, legend);
  const caption = make("span", "caption");
  const note = make("span", "note");
  const button = make("button", "quiet", "use this view as g");
  const differ = make("button", "quiet differ");
  button.type = differ.type = "button";
  button.hidden = differ.hidden = true; // until there is something to view
  const foot = make("footer");
  foot.append(caption, differ, note, button);
  card.append(head, make("div", "space"), foot);
  const marks = make("div", "marks");
  cell.append(marks, card);
  const write = (panel, color) => {
    name.textContent = panel.title;
    about.textContent = panel.about;
    title.title = panel.help;
    fillLegend(legend, panel.legend, color);
    card.classList.toggle("input", panel.input);
    card.classList.toggle("both", panel.title.includes(" and ") && panel.legend.length > 1);
    caption.textContent =
      panel.caption || (panel.input ? "drag: turn the input" : "drag: turn the camera");
    caption.hidden = panel.magnified !== "";
    note.textContent = panel.note;
    button.hidden = !panel.view_button;
    button.title = "Makes the rotation of this camera the group element g";
    note.hidden = panel.view_button && !panel.note;
    differ.hidden = panel.magnified === "";
    differ.dataset.times = panel.magnified;
    say();
  };
  const say = () => {
    const shown = differ.getAttribute("aria-pressed") === "true";
    differ.replaceChildren(
      make("span", "", "residual "),
      make("span", "", `${differ.dataset.times} `),
      make("b", "", shown ? "hide" : "show"),
    );
    differ.title = "Residual: g·f(x) − f(g·x), the arrows by which both ways differ, magnified";
  };
  /** How far the two ways differ now, and how much the residual is magnified. */
  const differs = (text, times) => {
    if (note.textContent !== text) note.textContent = text;
    if (differ.dataset.times === times) return;
    differ.dataset.times = times;
    say();
  };
  const press = (shown) => {
    differ.setAttribute("aria-pressed", String(shown));
    say();
  };
  return { cell, card, marks, note, button, toggle: differ, write, differ: differs, press };
}

/** What a card takes above and below of its cell, and the width that it leaves; pixels. */
export function freeOf({ cell, card }) {
  const around = cell.getBoundingClientRect();
  const inside = card.querySelector(".space").getBoundingClientRect();
  const zoom = zoomOf(cell);
  const [above, below] = [(inside.top - around.top) / zoom, (around.bottom - inside.bottom) / zoom];
  return { above, below, width: inside.width / zoom };
}

const BESIDE = 280; // pixels of a card below which the words at its foot leave nothing between them

/** How far below the middle of a cell of that size its picture stands, and its width over the cell's height. */
export function clearOf(free, { width, height }, side, fill) {
  const [above, below] = ["above", "below"].map((name) => Math.max(...free.map((f) => f[name])));
  const widths = free.map((f) => f.width);
  // Words stand above and below; scenes of one page stand in the middle between them.
  const lower = side ? (above - below) / 2 : 0;
  const room = side ? height - above - below : height - 2 * Math.max(above, below);
  // A scene that spreads as a ball must stand clear of the words however it is turned; where the words
  // at the foot leave nothing between them, every scene.
  const clear = Math.min(...widths) < BESIDE ? 1 : 1.15;
  const most = room * (fill && clear > 1 ? Math.min(width / height, 1.35) : clear);
  return { lower, aspect: Math.min(most, ...widths) / height || 1 };
}

/** How much larger an element is on the screen than in its own pixels: a lecture's CSS zoom. */
export function zoomOf(element) {
  return element.getBoundingClientRect().width / element.offsetWidth || 1;
}

/** A grid of cards over the canvas, with labelled arrows where `joins` say that two are joined. */
export function makeCards(cells, joins) {
  const [rows, cols] = [cells.length, cells[0].length];
  const layer = make("div", "cards");
  layer.style.setProperty("--rows", rows);
  layer.style.setProperty("--cols", cols);
  const cards = Array.from({ length: rows * cols }, makeCard);
  layer.append(...cards.map((card) => card.cell));
  const link = (kind, left, top, text) => {
    const label = make("div", `link ${kind}`);
    label.style.left = `${left * 100}%`;
    label.style.top = `${top * 100}%`;
    label.append(make("span", "", text));
    if (kind === "across") label.append(make("span", "arrow", "⟶"));
    layer.append(label);
  };
  const joined = (a, b) => joins.find(([from, to]) => from === a && to === b)?.[2];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const right = c + 1 < cols && joined(cells[r][c], cells[r][c + 1]);
      const below = r + 1 < rows && joined(cells[r][c], cells[r + 1][c]);
      if (right) link("across", (c + 1) / cols, (r + 0.5) / rows, right);
      if (below) link("down", (c + 0.5) / cols, (r + 1) / rows, below);
    }
  }
  return { layer, cards };
}
