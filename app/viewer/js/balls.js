// The bodies of a track as one mesh a colour, whose corners are rewritten in place from frame to frame.
import { pour } from "./arrows.js";
import { shade } from "./theme.js";

const [ROWS, AROUND_BALL] = [9, 14];

/** Corners of a ball of radius 1 and its triangles. */
const BALL = (() => {
  const points = [];
  for (let row = 0; row <= ROWS; row++) {
    const polar = (Math.PI * row) / ROWS;
    for (let i = 0; i < AROUND_BALL; i++) {
      const angle = (2 * Math.PI * i) / AROUND_BALL;
      points.push(Math.sin(polar) * Math.cos(angle), Math.cos(polar), -Math.sin(polar) * Math.sin(angle));
    }
  }
  const faces = [];
  for (let row = 0; row < ROWS; row++) {
    for (let i = 0; i < AROUND_BALL; i++) {
      const [a, b] = [row * AROUND_BALL + i, row * AROUND_BALL + ((i + 1) % AROUND_BALL)];
      faces.push(a, a + AROUND_BALL, b + AROUND_BALL, a, b + AROUND_BALL, b);
    }
  }
  return { points, faces };
})();

/** The bodies of a track without a trail on a 3Dmol viewer. */
export class Balls {
  constructor(viewer, { frames, colors, radius, opacity }, theme) {
    this.radius = radius;
    this.sets = [...new Set(colors)].map((color) => {
      const bodies = colors.flatMap((other, i) => (other === color ? [i] : []));
      const corners = new Float32Array(bodies.length * BALL.points.length);
      const normals = new Float32Array(corners.length);
      bodies.forEach((_, i) => normals.set(BALL.points, i * BALL.points.length));
      return { color: shade(color, theme), bodies, corners, normals };
    });
    for (const set of this.sets) {
      this.write(set, frames[0]);
      set.shape = viewer.addShape({ color: set.color, opacity });
      set.shape.addCustom({
        vertexArr: points(set.corners),
        normalArr: points(set.normals),
        faceArr: set.bodies.flatMap((_, i) => BALL.faces.map((k) => k + (i * BALL.points.length) / 3)),
        color: set.color,
      });
    }
  }

  write({ bodies, corners }, places) {
    let k = 0;
    const radius = this.hidden ? 0 : this.radius;
    for (const body of bodies) {
      const at = places[body];
      for (let i = 0; i < BALL.points.length; i++) corners[k++] = at[i % 3] + radius * BALL.points[i];
    }
  }

  /** Puts the bodies at places [n][3]. */
  move(places) {
    for (const set of this.sets) {
      this.write(set, places);
      pour(set.shape.geo, set.corners, set.normals);
    }
  }
}

/** Flat numbers as the points that 3Dmol wants. */
export function points(array) {
  return Array.from({ length: array.length / 3 }, (_, i) => ({
    x: array[3 * i],
    y: array[3 * i + 1],
    z: array[3 * i + 2],
  }));
}
