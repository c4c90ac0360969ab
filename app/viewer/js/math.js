// Quaternions are [x, y, z, w]. A view is 3Dmol's eight numbers:
// [px, py, pz, zoom, qx, qy, qz, qw]; a point p is seen at q·(p + P) + (0, 0, zoom).

const CAMERA_Z = 150;
const HALF_FOV = (10 * Math.PI) / 180;
export const IDENTITY = [0, 0, 0, 1];

export function multiply([ax, ay, az, aw], [bx, by, bz, bw]) {
  return [
    ax * bw + aw * bx + ay * bz - az * by,
    ay * bw + aw * by + az * bx - ax * bz,
    az * bw + aw * bz + ax * by - ay * bx,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

export const conjugate = ([x, y, z, w]) => [-x, -y, -z, w];

export function normalize(q) {
  const length = Math.hypot(...q) || 1;
  return q.map((part) => part / length);
}

export function rotate(q, [x, y, z]) {
  const [rx, ry, rz] = multiply(multiply(q, [x, y, z, 0]), conjugate(q));
  return [rx, ry, rz];
}

export function fromAxisAngle([x, y, z], angle) {
  const s = Math.sin(angle / 2);
  return normalize([x * s, y * s, z * s, Math.cos(angle / 2)]);
}

/** Angle in degrees, 0..180, and unit axis of a rotation. */
export function axisAngle(q) {
  const [x, y, z, w] = q[3] < 0 ? q.map((part) => -part) : q;
  const s = Math.hypot(x, y, z);
  const axis = s < 1e-9 ? [0, 0, 1] : [x / s, y / s, z / s];
  return { degrees: (2 * Math.atan2(s, w) * 180) / Math.PI, axis };
}

/** The rotation on the screen for a drag of (dx, dy) pixels; `size` pixels make half a turn. */
export function dragRotation(dx, dy, size) {
  const length = Math.hypot(dx, dy);
  if (length === 0) return IDENTITY;
  return fromAxisAngle([dy / length, dx / length, 0], (Math.PI * length) / size);
}

/** The camera after a turn given on the screen. */
export function turnCamera(camera, turn) {
  return [...camera.slice(0, 4), ...normalize(multiply(turn, camera.slice(4)))];
}

/** The input's rotation after a turn given on the screen: q⁻¹ · turn · q · spin. */
export function turnInput(camera, spin, turn) {
  const q = camera.slice(4);
  return normalize(multiply(multiply(conjugate(q), multiply(turn, q)), spin));
}

/** The camera moved so that what was at the centre goes (dx, dy) pixels; `height` of the panel. */
export function panCamera(camera, dx, dy, height) {
  const perPixel = (2 * Math.tan(HALF_FOV) * (CAMERA_Z - camera[3])) / height;
  const [x, y, z] = rotate(conjugate(camera.slice(4)), [dx * perPixel, -dy * perPixel, 0]);
  return [camera[0] + x, camera[1] + y, camera[2] + z, ...camera.slice(3)];
}

export function zoomCamera(camera, factor) {
  const distance = Math.min(Math.max((CAMERA_Z - camera[3]) / factor, 2), 2000);
  return [...camera.slice(0, 3), CAMERA_Z - distance, ...camera.slice(4)];
}

/** A view along −z that holds a ball of this radius in a panel of this aspect (width / height). */
export function fitCamera(centre, radius, aspect, quaternion = IDENTITY) {
  const half = Math.atan(Math.tan(HALF_FOV) * Math.min(1, aspect));
  const distance = radius / Math.sin(half);
  return [-centre[0], -centre[1], -centre[2], CAMERA_Z - distance, ...quaternion];
}

/** What a panel shows whose content is turned by `spin` about its centre, seen by the camera. */
export function panelView(camera, spin, centre) {
  const offset = centre.map((c, k) => c + camera[k]);
  const back = rotate(conjugate(spin), offset);
  const place = centre.map((c, k) => back[k] - c);
  return [...place, camera[3], ...normalize(multiply(camera.slice(4), spin))];
}

/** Pixel position of a point in a panel of that size; `depth` grows towards the eye. */
export function project(view, point, width, height) {
  const moved = [point[0] + view[0], point[1] + view[1], point[2] + view[2]];
  const [x, y, z] = rotate(view.slice(4), moved);
  const distance = CAMERA_Z - (z + view[3]);
  const scale = height / 2 / Math.tan(HALF_FOV) / Math.max(distance, 1e-3);
  return { x: width / 2 + x * scale, y: height / 2 - y * scale, depth: z, scale };
}
