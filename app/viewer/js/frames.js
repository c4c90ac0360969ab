// Frames of tracks and sets that change with the hand: which two stand at a time, which set is meant.

/** The two frames about a time and the share of the later one; a track may have one in `every` frames. */
export function between(frames, every, time) {
  const last = frames.length - 1;
  const at = Math.min(Math.max(time / (every ?? 1), 0), last);
  const low = Math.floor(at);
  return { low, high: Math.min(low + 1, last), part: at - low };
}

/** Positions [n][3] of a track at a time in frames, between frames in a straight line. */
export function positionsAt({ frames, every }, time) {
  const { low, high, part } = between(frames, every, time);
  return frames[low].map((from, i) => from.map((c, k) => c + part * (frames[high][i][k] - c)));
}

/** The frames [T][n][3] of flat places. */
export function framesOf(places, bodies) {
  const point = (k) => [places[k], places[k + 1], places[k + 2]];
  const frame = (t) => Array.from({ length: bodies }, (_, i) => point(3 * (t * bodies + i)));
  return Array.from({ length: places.length / (3 * bodies) }, (_, t) => frame(t));
}

/** What a set of arrows or paths is called in its panel: a panel may have both of one role. */
export const nameOf = ({ role, places }) => (places ? `${role} path` : role);
