// What lies flat on the picture: paths on a canvas under it, signs and the pointed-at name above.
// Paths are drawn when the view or the tracks change, never while playing: without a GPU a canvas
// that changes costs more a frame than the whole 3D picture.
import { project } from "./math.js";
import { make } from "./panels.js";
import { shade } from "./theme.js";

const DASHES = { solid: [], ghost: [7, 5], ring: [1.5, 4] };

/** Clears one panel's share of the canvas and clips to it. */
function begin(canvas, box, { x, y, width, height }) {
  const ratio = Math.max(2, globalThis.devicePixelRatio || 1);
  const [w, h] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.setTransform(ratio, 0, 0, ratio, ratio * x, ratio * y);
  context.clearRect(0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(0, 0, width, height);
  context.clip();
  return context;
}

export function drawTrails(canvas, box, cell, view, tracks, theme) {
  const context = begin(canvas, box, cell);
  context.lineWidth = 1.6;
  context.lineCap = context.lineJoin = "round";
  context.globalAlpha = 0.7;
  for (const { frames, color, style } of tracks) {
    context.strokeStyle = shade(color, theme);
    context.setLineDash(DASHES[style]);
    const step = Math.max(1, Math.floor(frames.length / 150));
    const shown = frames.filter((_, t) => t % step === 0 || t === frames.length - 1);
    for (let i = 0; i < frames[0].length; i++) {
      context.beginPath();
      for (const frame of shown) {
        const { x, y } = project(view, frame[i], cell.width, cell.height);
        context.lineTo(x, y);
      }
      context.stroke();
    }
  }
  context.restore();
}

/** Writes the signs of charges and the name of what is pointed at into one panel's layer. */
export function writeMarks(layer, cell, view, marks, places, pointed) {
  const { width, height } = cell;
  const seen = marks.map((mark, i) => ({
    ...mark,
    ...project(view, places?.[i] ?? mark.at, width, height),
    index: i,
  }));
  const signed = seen.filter((mark) => mark.sign && mark.r * mark.scale >= 3);
  const shown = signed.filter((mark) => !hidden(mark, seen));
  while (layer.children.length < shown.length) layer.append(make("span", "sign"));
  while (layer.children.length > shown.length) layer.lastChild.remove();
  shown.forEach((mark, i) => {
    const sign = layer.children[i];
    if (sign.textContent !== mark.sign) sign.textContent = mark.sign;
    sign.style.fontSize = `${Math.max(12, Math.min(20, mark.r * mark.scale * 1.5)).toFixed(1)}px`;
    sign.style.transform = `translate(${mark.x}px, ${mark.y}px) translate(-50%, -50%)`;
  });
  if (pointed !== null && seen[pointed]) layer.append(tag(seen[pointed], width));
}

function hidden(mark, others) {
  return others.some(
    (other) =>
      other.depth > mark.depth + 1e-6 &&
      Math.hypot(other.x - mark.x, other.y - mark.y) < other.r * other.scale,
  );
}

/** The index of the mark at a place in a cell, the nearest to the eye; null if there is none. */
export function markAt({ x, y }, { width, height }, view, marks, places) {
  let best = null;
  marks.forEach((mark, index) => {
    const seen = project(view, places?.[index] ?? mark.at, width, height);
    const near = Math.hypot(seen.x - x, seen.y - y) < Math.max(8, mark.r * seen.scale);
    if (near && (best === null || seen.depth > best.depth)) best = { index, depth: seen.depth };
  });
  return best?.index ?? null;
}

function tag({ x, y, r, scale, name }, width) {
  const ring = make("div", "ring");
  const size = 2 * (r * scale + 2);
  Object.assign(ring.style, { left: `${x}px`, top: `${y}px`, width: `${size}px` });
  const label = make("b", x > width - 70 ? "left" : "", name);
  ring.append(label);
  return ring;
}
