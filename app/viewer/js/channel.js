// The live channel's end in the browser: one question under way at a time, then the newest one.

const AGAIN = [1000, 4000, 15000]; // ms until the next try
const LOST = 4000; // ms after which an answer is not waited for

export class Channel {
  constructor(path, heard, changed) {
    Object.assign(this, { path, heard, changed });
    this.tries = 0;
    this.number = 0;
    this.asked = null; // under way
    this.open();
  }

  get ready() {
    return this.socket?.readyState === WebSocket.OPEN && !this.refused;
  }

  open() {
    const url = new URL(this.path, document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    try {
      this.socket = new WebSocket(url);
    } catch {
      return;
    }
    this.socket.onopen = () => {
      this.tries = 0;
      this.changed();
    };
    this.socket.onmessage = ({ data }) => this.take(JSON.parse(data));
    this.socket.onclose = () => {
      this.asked = null;
      this.changed();
      if (this.closed || this.tries >= AGAIN.length) return;
      this.timer = setTimeout(() => this.open(), AGAIN[this.tries++]);
    };
  }

  /** Sends a question if none is under way; whether it was sent. `note` comes back with the answer. */
  ask(question, note) {
    if (!this.ready) return false;
    const now = performance.now();
    if (this.asked && now - this.asked.since < LOST) return false;
    this.number += 1;
    this.asked = { n: this.number, since: now, judge: question.judge, note };
    this.socket.send(JSON.stringify({ ...question, n: this.number }));
    return true;
  }

  take(answer) {
    if (answer.error) {
      this.asked = null;
      this.refused = answer.error === "view"; // until the page gives another token
      this.changed();
      return;
    }
    const { asked } = this;
    if (answer.part === "square" && asked?.n === answer.n) {
      this.asked = null;
      this.last = asked;
      if (asked.judge) this.judged = asked; // its verdict may come after the next square
    }
    const found = [this.last, this.judged].find((one) => one?.n === answer.n);
    if (found) this.heard(answer, found.note);
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }
}
