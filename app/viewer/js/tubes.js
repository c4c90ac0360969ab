// Paths of bodies as one mesh a set, whose corners are rewritten in place while the hand moves.
import { cross, pour, unit } from "./arrows.js";
import { points } from "./balls.js";

const AROUND = 5; // corners of a ring
const MOST_CORNERS = 65000; // a mesh's corners are numbered with 16 bits
const TURNS = Array.from({ length: AROUND }, (_, i) => {
  const angle = (2 * Math.PI * i) / AROUND;
  return [Math.cos(angle), Math.sin(angle)];
});

/** Corners of the triangles of `bodies` tubes of so many rings. */
function tubeFaces(bodies, rings) {
  const found = [];
  for (let body = 0; body < bodies; body++) {
    for (let ring = 0; ring + 1 < rings; ring++) {
      const at = (r, side) => (body * rings + r) * AROUND + (side % AROUND);
      for (let i = 0; i < AROUND; i++) {
        found.push(at(ring, i), at(ring, i + 1), at(ring + 1, i + 1));
        found.push(at(ring, i), at(ring + 1, i + 1), at(ring + 1, i));
      }
    }
  }
  return found;
}

/** Writes corners and normals of all tubes; `places` are flat, a frame of all bodies after the other. */
function writeTubes({ bodies, rings, skip }, places, width, corners, normals) {
  let k = 0;
  for (let body = 0; body < bodies; body++) {
    const point = (ring) => {
      const base = 3 * (Math.min(ring, rings - 1) * skip * bodies + body);
      return [places[base], places[base + 1], places[base + 2]];
    };
    let u = [1, 0, 0];
    for (let ring = 0; ring < rings; ring++) {
      const here = point(ring);
      const [from, to] = [point(Math.max(ring - 1, 0)), point(ring + 1)];
      const along = to.map((c, a) => c - from[a]);
      const length = Math.hypot(...along);
      const d = length > 1e-9 ? along.map((c) => c / length) : [0, 0, 1];
      // Carried along from ring to ring, so that a tube does not twist.
      const dot = u[0] * d[0] + u[1] * d[1] + u[2] * d[2];
      u = u.map((c, a) => c - dot * d[a]);
      const size = Math.hypot(...u);
      u = size > 0.05 ? u.map((c) => c / size) : unit(cross(d, Math.abs(d[0]) < 0.7 ? [1, 0, 0] : [0, 1, 0]));
      const v = cross(d, u);
      for (const [c, s] of TURNS) {
        for (let a = 0; a < 3; a++) {
          const out = c * u[a] + s * v[a];
          corners[k + a] = here[a] + width * out;
          normals[k + a] = out;
        }
        k += 3;
      }
    }
  }
}

/** How many rings a path of so many frames gets: all frames where they fit into one mesh. */
function ringsOf({ places, bodies }) {
  const frames = places.length / (3 * bodies);
  const skip = Math.ceil((frames * bodies * AROUND) / MOST_CORNERS);
  return { bodies, skip, rings: Math.ceil(frames / skip) };
}

/** Paths on a 3Dmol viewer: `move` changes them without making anything new; stretch 0 hides them. */
export class Tubes {
  constructor(viewer, field, color, places, stretch) {
    this.field = field;
    this.count = ringsOf(field);
    const size = 3 * AROUND * this.count.rings * field.bodies;
    this.corners = new Float32Array(size);
    this.normals = new Float32Array(size);
    this.write(places, stretch);
    this.shape = viewer.addShape({ color, opacity: field.opacity });
    this.shape.addCustom({
      vertexArr: points(this.corners),
      normalArr: points(this.normals),
      faceArr: tubeFaces(field.bodies, this.count.rings),
      color,
    });
  }

  write(places, stretch) {
    writeTubes(this.count, places, this.field.width, this.corners, this.normals);
    if (!stretch) for (let i = 0; i < this.corners.length; i++) this.corners[i] = places[i % 3];
  }

  move(places, stretch) {
    this.write(places, stretch);
    pour(this.shape.geo, this.corners, this.normals);
  }
}
