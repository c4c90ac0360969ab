// What else on the page follows the hand: parts subscribe by the viewer's key, in any order of arrival.
import { shared } from "./shared.js";

/** Tells every part of this key. */
export function publish(key, told) {
  shared.told.set(key, told);
  for (const part of shared.parts.get(key) ?? []) part(told);
}

/** Calls `part` whenever something is told, and once with the last; gives the end of it back. */
export function follow(key, part) {
  if (!shared.parts.has(key)) shared.parts.set(key, new Set());
  shared.parts.get(key).add(part);
  const last = shared.told.get(key);
  if (last) part(last);
  return () => shared.parts.get(key)?.delete(part);
}
