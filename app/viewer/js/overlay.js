// Two flat canvases: trails under the 3D picture, signs and the pointed-at name above it.
import { project } from "./math.js";
import { shade } from "./theme.js";

const DASHES = { solid: [], ghost: [7, 5], ring: [1.5, 4] };

/** Makes the canvas fit its box at the screen's resolution and clears one panel's share of it. */
function begin(canvas, box, { x, y, width, height }) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, ratio * x, ratio * y);
  context.clearRect(0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(0, 0, width, height);
  context.clip();
  return context;
}

export function drawTrails(canvas, box, cell, view, tracks, time, theme) {
  const context = begin(canvas, box, cell);
  context.lineWidth = 1.8;
  context.lineCap = "round";
  for (const { frames, color, style } of tracks) {
    context.strokeStyle = shade(color, theme);
    context.setLineDash(DASHES[style]);
    const last = Math.min(Math.floor(time), frames.length - 1);
    const step = Math.max(1, Math.ceil(frames.length / 240));
    for (let i = 0; i < frames[0].length; i++) {
      trail(context, frames, i, last, step, view, cell);
    }
  }
  context.restore();
}

/** The whole path faintly, the part already gone in full. */
function trail(context, frames, i, last, step, view, { width, height }) {
  const line = (from, to, alpha) => {
    context.globalAlpha = alpha;
    context.beginPath();
    for (let t = from; t <= to; t += step) {
      const { x, y } = project(view, frames[t][i], width, height);
      if (t === from) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.stroke();
  };
  line(0, frames.length - 1, 0.18);
  line(0, last, 0.85);
}

export function drawMarks(canvas, box, cell, view, marks, places, pointed, theme) {
  const context = begin(canvas, box, cell);
  const { width, height } = cell;
  const seen = marks.map((mark, i) => ({
    ...mark,
    ...project(view, places?.[i] ?? mark.at, width, height),
  }));
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const mark of seen) {
    const radius = mark.r * mark.scale;
    if (!mark.sign || radius < 3 || hidden(mark, seen)) continue;
    context.font = `700 ${Math.max(9, Math.min(20, radius * 1.5))}px ${theme.font}`;
    context.fillStyle = "#ffffff";
    context.fillText(mark.sign, mark.x, mark.y + 0.5);
  }
  if (pointed !== null && seen[pointed]) name(context, seen[pointed], cell, theme);
  context.restore();
}

function hidden(mark, others) {
  return others.some(
    (other) =>
      other.depth > mark.depth + 1e-6 &&
      Math.hypot(other.x - mark.x, other.y - mark.y) < other.r * other.scale,
  );
}

function name(context, mark, cell, theme) {
  const radius = mark.r * mark.scale;
  context.strokeStyle = theme.text;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(mark.x, mark.y, radius + 2, 0, 2 * Math.PI);
  context.stroke();
  context.font = `600 12px ${theme.font}`;
  const wide = context.measureText(mark.name).width + 12;
  const x = Math.min(Math.max(mark.x, wide / 2), cell.width - wide / 2);
  const y = Math.max(12, mark.y - radius - 14);
  context.fillStyle = theme.text;
  context.beginPath();
  context.roundRect(x - wide / 2, y - 10, wide, 20, 5);
  context.fill();
  context.fillStyle = theme.background;
  context.fillText(mark.name, x, y + 0.5);
}
