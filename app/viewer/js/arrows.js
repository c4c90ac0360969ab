// Vectors on atoms as one mesh a set, whose corners are rewritten in place while the hand moves.

const SIDES = 10;
const RINGS = 6; // shaft start, shaft end, back of the head inside and outside, head, tip
const EACH = SIDES * RINGS;
const MOST = Math.floor(65000 / EACH); // a mesh's corners are numbered with 16 bits

const CIRCLE = Array.from({ length: SIDES }, (_, i) => {
  const angle = (2 * Math.PI * i) / SIDES;
  return [Math.cos(angle), Math.sin(angle)];
});

/** Corners of the triangles of so many arrows. */
export function faces(count) {
  const found = [];
  for (let arrow = 0; arrow < Math.min(count, MOST); arrow++) {
    const at = (ring, side) => arrow * EACH + ring * SIDES + (side % SIDES);
    for (let i = 0; i < SIDES; i++) {
      for (const [low, high] of [
        [0, 1],
        [3, 2],
        [4, 5],
      ]) {
        found.push(at(low, i), at(low, i + 1), at(high, i + 1));
        found.push(at(low, i), at(high, i + 1), at(high, i));
      }
    }
  }
  return found;
}

/** Start, direction and length of arrow i as it is drawn: from the atom's surface on; null if too short. */
export function placed(field, vectors, stretch, i) {
  const [x, y, z] = [vectors[3 * i], vectors[3 * i + 1], vectors[3 * i + 2]];
  const size = Math.hypot(x, y, z);
  const length = Math.min(size * stretch, field.longest);
  if (!(length > 0.02)) return null;
  const direction = [x / size, y / size, z / size];
  const start = field.origins[i].map((c, k) => c + direction[k] * (field.radii?.[i] ?? 0) * 0.9);
  return { start, direction, length };
}

/** Writes corners and normals of all arrows: flat arrays, three numbers a corner. */
export function write(field, vectors, stretch, corners, normals) {
  const count = Math.min(field.origins.length, MOST);
  for (let i = 0; i < count; i++) {
    const arrow = placed(field, vectors, stretch, i);
    const base = 3 * EACH * i;
    if (arrow) writeOne(arrow, field.width, corners, normals, base);
    else {
      for (let k = 0; k < 3 * EACH; k++) corners[base + k] = field.origins[i][k % 3];
    }
  }
}

function writeOne({ start, direction: d, length }, width, corners, normals, base) {
  const other = Math.abs(d[0]) < 0.7 ? [1, 0, 0] : [0, 1, 0];
  const u = unit(cross(d, other));
  const v = cross(d, u);
  const head = Math.min(0.6 * length, 4 * width);
  const neck = length - head;
  const broad = Math.min(2.1 * width, 0.9 * head + width);
  const slope = broad / head;
  const rings = [
    [0, width, 0, 1],
    [neck, width, 0, 1],
    [neck, width, -1, 0],
    [neck, broad, -1, 0],
    [neck, broad, slope, 1],
    [length, 0, slope, 1],
  ];
  let k = base;
  for (const [along, radius, forward, outward] of rings) {
    const norm = Math.hypot(forward, outward);
    for (const [c, s] of CIRCLE) {
      for (let a = 0; a < 3; a++) {
        const out = c * u[a] + s * v[a];
        corners[k + a] = start[a] + along * d[a] + radius * out;
        normals[k + a] = (forward * d[a] + outward * out) / norm;
      }
      k += 3;
    }
  }
}

/** Puts other corners and normals into a mesh that is drawn already. */
export function pour(geo, corners, normals) {
  let start = 0;
  for (const group of geo.geometryGroups) {
    const size = 3 * group.vertices;
    group.vertexArray.set(corners.subarray(start, start + size));
    group.normalArray.set(normals.subarray(start, start + size));
    start += size;
  }
  geo.verticesNeedUpdate = geo.normalsNeedUpdate = true;
}

export const cross = ([a, b, c], [x, y, z]) => [b * z - c * y, c * x - a * z, a * y - b * x];

export function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map((c) => c / length);
}

/** A set of arrows on a 3Dmol viewer: `move` changes it without making anything new. */
export class Swarm {
  constructor(viewer, field, color, vectors, stretch) {
    this.field = field;
    const size = 3 * EACH * Math.min(field.origins.length, MOST);
    this.corners = new Float32Array(size);
    this.normals = new Float32Array(size);
    write(field, vectors, stretch, this.corners, this.normals);
    const points = (array) =>
      Array.from({ length: size / 3 }, (_, i) => ({
        x: array[3 * i],
        y: array[3 * i + 1],
        z: array[3 * i + 2],
      }));
    this.shape = viewer.addShape({ color, opacity: field.opacity });
    this.shape.addCustom({
      vertexArr: points(this.corners),
      normalArr: points(this.normals),
      faceArr: faces(field.origins.length),
      color,
    });
  }

  move(vectors, stretch) {
    write(this.field, vectors, stretch, this.corners, this.normals);
    pour(this.shape.geo, this.corners, this.normals);
  }
}
