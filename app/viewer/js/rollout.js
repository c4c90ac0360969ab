// Δ and energy of roll-outs over time, with a line at the time that is played.
import { raised } from "./format.js";
import { follow } from "./followers.js";
import { svg } from "./panels.js";
import { readTheme, shade } from "./theme.js";

const EDGE = { left: 46, right: 12, top: 20, bottom: 22 };
const LEAST = 1e-16; // an exact zero sits on the floor

/** One plot: where times and values lie in it. */
function scales({ from, to, height, last, low, high }) {
  const x = (time) => from + EDGE.left + (time / last) * (to - from - EDGE.left - EDGE.right);
  const y = (value) => EDGE.top + ((high - value) / (high - low)) * (height - EDGE.top - EDGE.bottom);
  return { x, y };
}

/** Δ(t) left, energy(t) right; both of every model and of the true path. */
export function rollout(root, first) {
  let data = first;
  let frame = data.frame;
  let live = null;
  let plots = [];
  const picture = svg("svg", { class: "curve", role: "img" });
  root.replaceChildren(picture);

  const draw = () => {
    const width = root.clientWidth;
    if (!width) return;
    const theme = readTheme(root);
    const { height } = data;
    const rows = [...data.curves.map((c, i) => ({ ...c, delta: live?.[i]?.deltas ?? c.delta })), data.truth];
    const steps = data.curves[0]?.delta.length - 1 || data.truth.delta.length - 1;
    const log = (value) => Math.log10(Math.max(value ?? 1, LEAST));
    const deltas = rows.flatMap((row) => row.delta.slice(1).map(log));
    const energies = rows.flatMap((row) => row.energy);
    const [least, most] = [Math.min(...energies), Math.max(...energies)];
    const air = 0.08 * (most - least) || 1;
    const size = { height, last: steps };
    const half = width / 2;
    const one = { ...size, from: 0, to: half, low: Math.floor(Math.min(...deltas)), high: Math.ceil(Math.max(0, ...deltas)) };
    const two = { ...size, from: half, to: width, low: least - air, high: most + air };
    plots = [scales(one), scales(two)];
    const found = [
      ...frames(one, plots[0], "Δ_EQ against time", theme, logTicks(one)),
      ...frames(two, plots[1], "energy against time, scene units", theme, ticks(two)),
    ];
    rows.forEach((row, i) => {
      const at = row.delta.map((value, k) => [k, log(value)]).slice(1);
      const span = (row.energy.length - 1) / steps;
      const along = row.energy.map((value, k) => [k / span, value]);
      found.push(...line(plots[0], at, row, theme, true, i), ...line(plots[1], along, row, theme, span === 1));
    });
    found.push(...plots.map(() => svg("line", { class: "here", y1: EDGE.top, y2: height - EDGE.bottom })));
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("height", height);
    picture.setAttribute("aria-label", data.alt);
    picture.replaceChildren(...found);
    mark();
  };

  /** The line at the time that is shown: all that changes while playing. */
  const mark = () => {
    const lines = picture.querySelectorAll(".here");
    plots.forEach(({ x }, i) => {
      const place = x(frame * data.step).toFixed(1);
      lines[i]?.setAttribute("x1", place);
      lines[i]?.setAttribute("x2", place);
    });
  };

  const watcher = new ResizeObserver(draw);
  watcher.observe(root);
  const ends = [
    follow(`${data.key} time`, ({ time }) => {
      frame = time;
      mark();
    }),
    follow(data.key, (told) => {
      const rows = told.live && told.models.some(({ deltas }) => deltas) ? told.models : null;
      if (rows === live) return;
      live = rows;
      draw();
    }),
  ];
  const take = (next) => {
    data = next;
    live = null;
    draw();
  };
  draw();
  const end = () => {
    watcher.disconnect();
    for (const stop of ends) stop();
  };
  return { take, end };
}

function frames({ from, to, height, last }, { x, y }, title, theme, marks) {
  const write = (at, text) =>
    Object.assign(svg("text", { fill: theme.muted, ...at }), { textContent: text });
  const found = [write({ x: from + EDGE.left, y: 12 }, title)];
  for (const [value, text] of marks) {
    const place = { x1: from + EDGE.left, x2: to - EDGE.right, y1: y(value), y2: y(value) };
    found.push(svg("line", { ...place, class: "grid" }));
    found.push(write({ x: from + EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, text));
  }
  for (let step = 0; step <= last; step++) {
    found.push(write({ x: x(step), y: height - 5, "text-anchor": "middle" }, String(step)));
  }
  return found;
}

function logTicks({ low, high }) {
  const step = Math.max(1, Math.ceil((high - low) / 4));
  const found = [];
  for (let k = high; k >= low; k -= step) found.push([k, k === 0 ? "1" : `10${raised(k)}`]);
  return found;
}

function ticks({ low, high }) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
    found.push([value, Number(value.toPrecision(6)).toString().replace("-", "−")]);
  }
  return found;
}

function line({ x, y }, points, { label, color, dashed }, theme, marked, named) {
  const stroke = shade(color, theme);
  const places = points.map(([t, value]) => `${x(t).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const look = { fill: "none", stroke, "stroke-width": 2, "stroke-dasharray": dashed ? "7 4" : "none" };
  const found = [svg("polyline", { points: places, ...look })];
  if (marked) {
    for (const [t, value] of points) found.push(svg("circle", { cx: x(t), cy: y(value), r: 3, fill: stroke }));
  }
  if (named !== undefined) {
    const [t, value] = points[Math.min(1 + named, points.length - 1)];
    const text = { x: x(t) + 6, y: y(value) - 7, fill: stroke, class: "label" };
    found.push(Object.assign(svg("text", text), { textContent: label }));
  }
  return found;
}
