// The picture without WebGL: the same calls drawn as SVG, the same camera, no library.
import { placed } from "./arrows.js";
import { nameOf } from "./frames.js";
import { project } from "./math.js";
import { svg } from "./panels.js";
import { shade } from "./theme.js";

const ELEMENTS = {
  H: "#c9ced6",
  C: "#5f6670",
  N: "#3050f8",
  O: "#e02020",
  F: "#4caf50",
  S: "#c9a200",
  P: "#ff8000",
  Cl: "#1fb01f",
};
const vector = ({ x, y, z }) => [x, y, z];

export class FlatStage {
  constructor(rows, cols, host) {
    this.element = document.createElement("div");
    this.element.className = "stage flat";
    this.element.style.gridTemplate = `repeat(${rows}, 1fr) / repeat(${cols}, 1fr)`;
    this.pictures = Array.from({ length: rows * cols }, () => svg("svg", {}));
    this.element.append(...this.pictures);
    this.parts = this.pictures.map(() => []);
    this.tracks = this.pictures.map(() => []);
    this.swarms = this.pictures.map(() => new Map());
    host.append(this.element);
  }

  restore() {}

  sharpen() {
    return false;
  }

  finish() {}

  release() {
    this.element.remove();
  }

  clear(k) {
    this.parts[k] = [];
    this.tracks[k] = [];
    this.swarms[k].clear();
    this.pictures[k].replaceChildren();
  }

  fill(k, panel, theme, reach, unsettled) {
    const parts = [];
    const models = [];
    for (const [name, args, flag] of panel.calls) {
      if (unsettled && flag === "settles") continue;
      if (name === "addModel") models.push([]);
      else if (name === "model.addAtoms") models.at(-1).push(...args[0]);
      else if (name === "model.setStyle") style(models.at(-1), args[1]);
      else if (name === "addArrow" || name === "addCylinder") parts.push(rod(name, args[0], theme));
      else if (name === "addCustom") parts.push(surface(args[0], theme));
    }
    for (const atoms of models) {
      const balls = atoms.map((atom) => ball(atom, theme));
      atoms.forEach((atom, i) => {
        for (const j of atom.bonds ?? []) if (j > i) parts.push(bond(balls[i], balls[j], theme));
      });
      parts.push(...balls);
    }
    this.parts[k] = parts;
    this.swarms[k].clear();
    for (const field of panel.fields) {
      this.swarms[k].set(nameOf(field), { field, theme });
      const stretch = field.scale * field.magnify;
      this.move(k, nameOf(field), field.places ?? field.vectors, stretch);
    }
    this.tracks[k] = panel.tracks.map((track) => {
      const atoms = track.trail ? models[track.model] : bodies(track);
      if (!track.trail && !(unsettled && track.role !== "left")) {
        parts.push(...atoms.map((atom) => ball(atom, theme)));
      }
      return { ...track, atoms };
    });
  }

  move(k, name, vectors, stretch) {
    const swarm = this.swarms[k].get(name);
    if (!swarm) return;
    const { field, theme } = swarm;
    if (field.places) {
      swarm.parts = stretch ? lines(field, vectors, theme) : [];
      return;
    }
    const point = ([x, y, z]) => ({ x, y, z });
    swarm.parts = field.origins.flatMap((_, i) => {
      const arrow = placed(field, vectors, stretch, i);
      if (!arrow) return [];
      const { start, direction, length } = arrow;
      const end = start.map((c, a) => c + direction[a] * length);
      const look = { color: field.color, radius: field.width * 0.6, opacity: field.opacity };
      return [rod("addArrow", { start: point(start), end: point(end), ...look }, theme)];
    });
  }

  rods(k, rods, color) {
    const point = ([x, y, z]) => ({ x, y, z });
    const parts = rods.map(({ start, end, weight }) => {
      const look = { color, radius: 0.02 + 0.08 * weight, opacity: 0.6 };
      return rod("addCylinder", { start: point(start), end: point(end), ...look }, {});
    });
    this.swarms[k].set("rods", { parts });
  }

  seek(k, time, positionsAt) {
    for (const track of this.tracks[k]) {
      const places = positionsAt(track, time);
      track.atoms.forEach((atom, i) => atom.ball && (atom.ball.at = places[i]));
    }
  }

  draw(k, view) {
    const { clientWidth: width, clientHeight: height } = this.pictures[k];
    const see = (point) => project(view, point, width, height);
    const arrows = [...this.swarms[k].values()].flatMap(({ parts }) => parts);
    const drawn = [...this.parts[k], ...arrows].map((part) => part.draw(see));
    drawn.sort((a, b) => a.depth - b.depth);
    this.pictures[k].replaceChildren(...drawn.flatMap(({ nodes }) => nodes));
  }
}

function style(atoms, { sphere, stick }) {
  for (const atom of atoms) Object.assign(atom, { radius: sphere.radius, opacity: sphere.opacity });
  if (stick) for (const atom of atoms) atom.radius = atom.elem === "H" ? 0.26 : 0.4;
}

function ball(atom, theme) {
  const fill = atom.color ? shade(atom.color, theme) : (ELEMENTS[atom.elem] ?? "#b06fc4");
  const part = { at: vector(atom) };
  part.draw = (see) => {
    const { x, y, depth, scale } = see(part.at);
    const circle = { cx: x, cy: y, r: atom.radius * scale, fill, stroke: theme.text };
    const node = svg("circle", { ...circle, "fill-opacity": atom.opacity ?? 1, "stroke-width": 1 });
    const nodes = [node];
    if (atom.elem !== "X") {
      const text = { x, y, "text-anchor": "middle", "dominant-baseline": "central", fill: "#fff" };
      const label = svg("text", { ...text, "font-size": 11, "font-weight": 600 });
      if (atom.elem === "H") label.setAttribute("fill", "#222");
      label.textContent = atom.elem;
      nodes.push(label);
    }
    return { depth, nodes };
  };
  atom.ball = part;
  return part;
}

function bond(from, to, theme) {
  const draw = (see) => {
    const [a, b] = [see(from.at), see(to.at)];
    const line = { x1: a.x, y1: a.y, x2: b.x, y2: b.y, stroke: theme.text, "stroke-opacity": 0.45 };
    return { depth: (a.depth + b.depth) / 2, nodes: [svg("line", { ...line, "stroke-width": 5 })] };
  };
  return { draw };
}

/** The bodies of a track without a trail, in its first frame. */
function bodies({ frames, colors, radius, opacity }) {
  return frames[0].map(([x, y, z], i) => ({ elem: "X", x, y, z, color: colors[i], radius, opacity }));
}

/** A line a body through all places. */
function lines({ bodies, color, width, opacity }, places, theme) {
  return Array.from({ length: bodies }, (_, body) => {
    const draw = (see) => {
      const points = [];
      let [depth, scale] = [0, 1];
      for (let k = 3 * body; k < places.length; k += 3 * bodies) {
        const seen = see([places[k], places[k + 1], places[k + 2]]);
        points.push(`${seen.x.toFixed(1)},${seen.y.toFixed(1)}`);
        ({ depth, scale } = seen);
      }
      const look = { fill: "none", stroke: shade(color, theme), "stroke-opacity": opacity };
      const thick = { "stroke-width": Math.max(1.2, 2 * width * scale), "stroke-linejoin": "round" };
      return { depth, nodes: [svg("polyline", { points: points.join(" "), ...look, ...thick })] };
    };
    return { draw };
  });
}

function surface({ vertexArr, faceArr, color, opacity = 1 }, theme) {
  const fill = shade(color, theme);
  const draw = (see) => {
    const seen = vertexArr.map((point) => see(vector(point)));
    const corner = (i) => `${seen[i].x.toFixed(1)} ${seen[i].y.toFixed(1)}`;
    let d = "";
    for (let i = 0; i < faceArr.length; i += 3) {
      d += `M${corner(faceArr[i])}L${corner(faceArr[i + 1])}L${corner(faceArr[i + 2])}Z`;
    }
    const depth = seen.reduce((sum, point) => sum + point.depth, 0) / Math.max(1, seen.length);
    return { depth: depth + 1, nodes: [svg("path", { d, fill, "fill-opacity": 0.7 * opacity })] };
  };
  return { draw };
}

function rod(name, { start, end, color, radius, opacity = 1 }, theme) {
  const stroke = shade(color, theme);
  const draw = (see) => {
    const [a, b] = [see(vector(start)), see(vector(end))];
    const thick = Math.max(1.5, radius * a.scale);
    const look = { stroke, "stroke-width": thick, "stroke-opacity": opacity };
    const nodes = [svg("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, ...look })];
    const length = Math.hypot(b.x - a.x, b.y - a.y);
    if (name === "addArrow" && length > 1) {
      const [ux, uy] = [(b.x - a.x) / length, (b.y - a.y) / length];
      const size = thick * 2.5;
      const [px, py] = [b.x - ux * size, b.y - uy * size];
      const side = size * 0.5;
      const corners = [b.x, b.y, px - uy * side, py + ux * side, px + uy * side, py - ux * side];
      const tip = { points: corners.join(" "), fill: stroke, "fill-opacity": opacity };
      nodes.push(svg("polygon", tip));
    }
    // Arrows stand in front: a flat picture has no other way to show one that starts in a ball.
    return { depth: Math.max(a.depth, b.depth) + 1, nodes };
  };
  return { draw };
}
