// Small parts of the page that follow the hand: the slider of the angle, the curve, the figure's buttons.
import { delta, raised } from "./format.js";
import { follow } from "./followers.js";
import { matrix } from "./matrix.js";
import { make, svg } from "./panels.js";
import { rollout } from "./rollout.js";
import { shared } from "./shared.js";
import { readTheme, shade } from "./theme.js";

const parts = new WeakMap();

/** The angle of g: a slider that turns the molecule while it moves. */
function slider(root, data) {
  const label = make("label", "turn");
  const input = Object.assign(make("input"), { type: "range", min: 0, max: 180, step: 1 });
  const output = make("output");
  label.append(make("span", "", "turn by"), input, output);
  label.title = "The angle of g. Drag it, or drag the molecule g·x itself.";
  const say = (degrees) => (output.textContent = `${degrees.toFixed(0)}°`);
  let axis = data.axis;
  let held = false;
  const turn = (last) => shared.shown.get(data.key)?.turnTo(axis, Number(input.value), last);
  input.oninput = () => {
    held = true;
    const view = shared.shown.get(data.key);
    if (view) view.live.pointed = performance.now();
    say(Number(input.value));
    turn(false);
  };
  input.onchange = () => {
    held = false;
    turn(true);
  };
  root.replaceChildren(label);
  const take = (next) => {
    axis = next.axis;
    input.value = next.degrees;
    say(next.degrees);
  };
  take(data);
  const end = follow(data.key, ({ degrees }) => {
    if (held) return;
    input.value = degrees;
    say(degrees);
  });
  return { take, end };
}

const [LEFT, RIGHT, TOP, BOTTOM] = [44, 14, 8, 24];

/** Middle and baseline of a curve's name, which strikes no curve and no name if there is such a place. */
function room(lines, i, half, names, [top, bottom]) {
  const line = lines[i];
  const between = ([x, y]) => (at) => x > at.x - half - 6 && x < at.x + half + 6 && y > at.y - 12 && y < at.y + 5;
  // Curves are drawn straight from point to point: five places of each piece are enough for a word.
  const places = lines.flatMap((l) =>
    l.flatMap(([x, y], k) => {
      const [next, below] = l[k + 1] ?? [x, y];
      return [0, 0.2, 0.4, 0.6, 0.8].map((t) => [x + t * (next - x), y + t * (below - y)]);
    }),
  );
  const others = names.flatMap((n) => [-1, -0.5, 0, 0.5, 1].map((t) => [n.x + t * n.half, n.y - 4]));
  const struck = (at) => [...places, ...others].filter((p) => between(p)(at)).length;
  const sides = i ? [17, -8] : [-8, 17];
  const all = [7, 9, 11, 5, 12, 3].flatMap((k) =>
    sides.map((side) => {
      const [x, y] = line[Math.min(k + (i % 3), line.length - 2)];
      return { x, y: Math.min(Math.max(y + side, top), bottom), half };
    }),
  );
  const counted = all.map((at) => [struck(at), at]);
  return counted.reduce((best, one) => (one[0] < best[0] ? one : best))[1];
}

/** Δ against the angle about the axis, with a mark for each model that moves with the hand. */
function curve(root, first) {
  let data = first;
  let told = null;
  const picture = svg("svg", { class: "curve", role: "img" });
  root.replaceChildren(picture);
  const draw = () => {
    const [width, height] = [root.clientWidth, data.height];
    if (!width) return;
    const theme = readTheme(root);
    const values = data.curves.flatMap((c) => c.values).filter((v) => v > 0);
    const low = Math.floor(Math.log10(Math.min(data.least, ...values)));
    const high = Math.ceil(Math.log10(Math.max(data.most, ...values)));
    const x = (degrees) => LEFT + (degrees / 180) * (width - LEFT - RIGHT);
    const y = (value) => {
      const log = value > 0 ? Math.max(Math.log10(value), low) : low;
      return TOP + ((high - log) / (high - low)) * (height - TOP - BOTTOM);
    };
    const write = (at, text, more = {}) =>
      Object.assign(svg("text", { ...at, fill: theme.muted, ...more }), { textContent: text });
    const found = [];
    for (const { name, low: from, high: to, own } of data.bands) {
      const [top, bottom] = [y(Math.min(to, 10 ** high)), y(Math.max(from, 10 ** low))];
      if (bottom - top < 4) continue;
      const box = { x: LEFT, y: top, width: width - LEFT - RIGHT, height: bottom - top };
      found.push(svg("rect", { ...box, class: own ? "band own" : "band" }));
      found.push(write({ x: width - RIGHT - 4, y: bottom - 4, "text-anchor": "end" }, name));
    }
    const step = Math.max(1, Math.ceil((high - low) / 5));
    for (let k = high; k >= low; k -= step) {
      const line = { x1: LEFT, x2: width - RIGHT, y1: y(10 ** k), y2: y(10 ** k), class: "grid" };
      found.push(svg("line", line));
      const text = k === 0 ? "1" : `10${raised(k)}`;
      found.push(write({ x: LEFT - 6, y: y(10 ** k) + 4, "text-anchor": "end" }, text));
    }
    for (const degrees of [0, 45, 90, 135, 180]) {
      found.push(write({ x: x(degrees), y: height - 6, "text-anchor": "middle" }, `${degrees}°`));
    }
    const lines = data.curves.map((c) => c.values.map((v, k) => [x(data.angles[k]), y(v)]));
    const names = [];
    data.curves.forEach(({ color, dashed, label }, i) => {
      const points = lines[i].map((p) => p.map((n) => n.toFixed(1)).join(",")).join(" ");
      const stroke = shade(color, theme);
      const look = { fill: "none", stroke, "stroke-width": 2, "stroke-dasharray": dashed ? "7 4" : "none" };
      found.push(svg("polyline", { points, ...look }));
      names.push(room(lines, i, label.length * 3.7, names, [TOP + 3, height - BOTTOM - 3]));
      const [at] = names.slice(-1);
      const more = { fill: stroke, "text-anchor": "middle", class: "label", stroke: theme.page };
      found.push(write({ x: at.x, y: at.y }, label, more));
    });
    found.push(...marks(x, y, theme, height));
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("height", height);
    picture.setAttribute("aria-label", data.alt);
    picture.replaceChildren(...found);
  };
  const marks = (x, y, theme, height) => {
    const degrees = told?.degrees ?? data.degrees;
    const line = { x1: x(degrees), x2: x(degrees), y1: TOP, y2: height - BOTTOM, class: "here" };
    const found = [svg("line", line)];
    data.curves.forEach(({ color, value }, i) => {
      const row = told?.models[i];
      const now = row?.delta && data.metric === "l2" ? row.delta[data.of] : (row?.metrics?.[data.metric] ?? value);
      const fill = shade(color, theme);
      const [cx, cy] = [x(degrees), y(now)];
      if (i === 0) found.push(svg("circle", { cx, cy, r: 5, fill }));
      else found.push(svg("path", { d: `M${cx - 6} ${cy - 5}h12l-6 10z`, fill }));
      const title = svg("title", {});
      title.textContent = delta(now);
      found.at(-1).append(title);
    });
    return found;
  };
  const watcher = new ResizeObserver(draw);
  watcher.observe(root);
  const stop = follow(data.key, (now) => {
    told = now.live ? now : null;
    draw();
  });
  const take = (next) => {
    data = next;
    told = null;
    draw();
  };
  draw();
  const end = () => {
    watcher.disconnect();
    stop();
  };
  return { take, end };
}

/** Buttons that save the picture. */
function figure(root, data) {
  const buttons = ["svg", "png"].map((kind) => {
    const button = make("button", "", `Figure as ${kind.toUpperCase()}`);
    button.type = "button";
    button.onclick = () => shared.shown.get(data.key)?.save(kind, data.name);
    return button;
  });
  root.replaceChildren(...buttons);
  root.classList.add("buttons");
  return { take: () => {}, end: () => {} };
}

const KINDS = { slider, curve, figure, matrix, rollout };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".demetar-follower");
  root.send = setTriggerValue;
  const known = parts.get(root);
  if (known && known.kind === data.kind && known.key === data.key) known.part.take(data);
  else {
    known?.part.end();
    parts.set(root, { kind: data.kind, key: data.key, part: KINDS[data.kind](root, data) });
  }
  return () => {
    parts.get(root)?.part.end();
    parts.delete(root);
  };
}
