// The input's rotation as the browser shows it, ahead of what Python has drawn.
import { IDENTITY, conjugate, multiply, normalize, turnInput } from "./math.js";

export class Turns {
  constructor() {
    this.reported = []; // {serial, q}: sent to Python, not yet in its data
    this.current = null; // under way
  }

  /** Whether the panels show more than Python knows. */
  get pending() {
    return this.reported.length > 0 || this.current !== null;
  }

  /** All of it: later turns act after earlier ones. */
  get total() {
    const parts = this.reported.map(({ q }) => q);
    if (this.current) parts.push(this.current);
    return parts.reduce((sum, q) => multiply(q, sum), IDENTITY);
  }

  /** Adds a turn given on the screen. */
  add(camera, turn) {
    const known = this.reported.reduce((sum, { q }) => multiply(q, sum), IDENTITY);
    const shown = turnInput(camera, this.total, turn);
    this.current = normalize(multiply(shown, conjugate(known)));
  }

  /** Makes all turns together this one. */
  set(total) {
    const known = this.reported.reduce((sum, { q }) => multiply(q, sum), IDENTITY);
    this.current = normalize(multiply(total, conjugate(known)));
  }

  /** Ends the turn under way, reported by this number; it stays until it is answered. */
  settle(serial) {
    this.reported.push({ serial, q: this.current });
    this.current = null;
  }

  /** Python's data now hold every turn up to this serial. */
  answer(serial) {
    this.reported = this.reported.filter((turn) => turn.serial > serial);
  }
}
