// Who looks at whom: a matrix that is linked with the structure both ways, and the maps of all heads.
import { follow } from "./followers.js";
import { make } from "./panels.js";
import { shared } from "./shared.js";
import { readTheme, shade } from "./theme.js";

const THUMB = 40;

/** Attention roll-out: the product over layers of ½(1 + A), rows summing to 1; A the mean over heads. */
export function rollOut(layers) {
  const n = layers[0].maps[0].length;
  let product = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => +(i === j)));
  for (const { maps } of layers) {
    const step = product.map((_, i) => {
      const row = product.map((_, j) => {
        const mean = maps.reduce((sum, map) => sum + Math.abs(map[i][j]), 0) / maps.length;
        return 0.5 * mean + 0.5 * +(i === j);
      });
      const sum = row.reduce((a, b) => a + b, 0) || 1;
      return row.map((value) => value / sum);
    });
    product = step.map((row) => product.map((_, j) => row.reduce((s, a, k) => s + a * product[k][j], 0)));
  }
  return product;
}

function mean(maps) {
  return maps[0].map((row, i) => row.map((_, j) => maps.reduce((s, m) => s + m[i][j], 0) / maps.length));
}

/** Paints a map with `size` pixels a side. */
function paint(canvas, map, size, color, chosen) {
  const n = map.length;
  const cell = size / n;
  const ratio = 2;
  Object.assign(canvas, { width: size * ratio, height: size * ratio });
  Object.assign(canvas.style, { width: `${size}px`, height: `${size}px` });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const top = Math.max(...map.flat().map(Math.abs), 1e-12);
  context.fillStyle = color;
  map.forEach((row, i) =>
    row.forEach((value, j) => {
      const faint = chosen === null || chosen === undefined || chosen === i ? 1 : 0.35;
      context.globalAlpha = (0.06 + (0.94 * Math.abs(value)) / top) * faint;
      context.fillRect(j * cell, i * cell, Math.max(cell - (size > 100 ? 1 : 0), 0.5), Math.max(cell - (size > 100 ? 1 : 0), 0.5));
    }),
  );
}

export function matrix(root, first) {
  let data = first;
  let wanted = 0;
  let chosen = null;
  const large = make("canvas", "map");
  large.setAttribute("role", "img");
  const thumbs = make("div", "thumbs");
  const words = make("p", "said");
  const right = make("div", "beside");
  right.append(words, thumbs);
  root.replaceChildren(large, right);
  root.classList.add("matrix");
  const maps = () => [
    ...data.layers.flatMap(({ name, maps }) => [
      ...(maps.length > 1
        ? [{ label: `${name}, mean of ${maps.length} heads`, map: mean(maps), layer: name, head: "mean" }]
        : []),
      ...maps.map((map, h) => ({
        label: maps.length > 1 ? `${name}, head ${h + 1}` : name,
        map,
        layer: name,
        head: `${h + 1}`,
      })),
    ]),
    ...(data.layers.length > 1
      ? [{ label: "roll-out through all layers", map: rollOut(data.layers), layer: "roll-out", head: "mean" }]
      : []),
  ];
  /** Shows the map that the page asks for, if it asks for one. */
  const obey = ({ wanted: asked }) => {
    const k = asked ? all.findIndex(({ layer, head }) => layer === asked.layer && head === asked.head) : -1;
    if (k >= 0) wanted = k;
  };
  let all = maps();
  const draw = () => {
    const theme = readTheme(root);
    const color = shade(data.color, theme);
    const { label, map } = all[wanted];
    const size = Math.min(data.height, root.clientWidth / 2);
    paint(large, map, size, color, chosen);
    const names = data.names;
    const row = chosen === null ? null : map[chosen].map((v, j) => [Math.abs(v), names[j]]).sort((a, b) => b[0] - a[0]);
    words.textContent = row
      ? `${label}: ${names[chosen]} looks at ${row.slice(0, 3).map(([v, name]) => `${name} ${v.toFixed(2)}`).join(", ")}.`
      : `${label}. A row is what one ${data.what} takes from all others; click a row, or ${data.what === "atom" ? "an atom" : `a ${data.what}`} of x.`;
    large.setAttribute("aria-label", words.textContent);
    [...thumbs.children].forEach((button, k) => button.setAttribute("aria-pressed", String(k === wanted)));
    shared.shown.get(data.key)?.look({ map, color: data.color, chosen });
  };
  const build = () => {
    all = maps();
    wanted = Math.min(wanted, all.length - 1);
    const color = shade(data.color, readTheme(root));
    thumbs.replaceChildren(
      ...all.map(({ label, map }, k) => {
        const button = make("button", "thumb");
        Object.assign(button, { type: "button", title: label });
        button.setAttribute("aria-label", label);
        const canvas = make("canvas");
        paint(canvas, map, THUMB, color);
        button.append(canvas);
        button.onclick = () => {
          wanted = k;
          draw();
          const { layer, head } = all[k];
          root.send?.("choice", { layer, head });
        };
        return button;
      }),
    );
    draw();
  };
  const rowAt = (event) => {
    const box = large.getBoundingClientRect();
    return Math.floor(((event.clientY - box.top) / box.height) * data.names.length);
  };
  large.onclick = (event) => {
    const row = rowAt(event);
    chosen = chosen === row ? null : row;
    draw();
  };
  large.onpointermove = (event) => {
    const box = large.getBoundingClientRect();
    const j = Math.floor(((event.clientX - box.left) / box.width) * data.names.length);
    const [i, names] = [rowAt(event), data.names];
    const value = all[wanted].map[i]?.[j];
    large.title = value === undefined ? "" : `${names[i]} looks at ${names[j]}: ${value.toFixed(3)}`;
  };
  const stop = follow(`${data.key} pick`, ({ atom }) => {
    chosen = chosen === atom ? null : atom;
    draw();
  });
  const watcher = new ResizeObserver(draw);
  watcher.observe(root);
  obey(data);
  build();
  const take = (next) => {
    const asked = JSON.stringify(next.wanted) !== JSON.stringify(data.wanted);
    data = next;
    all = maps();
    if (asked) obey(data);
    build();
  };
  const end = () => {
    watcher.disconnect();
    stop();
    shared.shown.get(data.key)?.look(null);
  };
  return { take, end };
}
