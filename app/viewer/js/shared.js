// What the components of one page share: they are joined apart, and live in one browser window.
const shared = (globalThis[Symbol.for("demetar.viewer")] ??= {
  views: new WeakMap(), // host element -> what is shown in it
  cameras: new Map(), // the page's key -> the camera: eight numbers, and of what
  idle: new Map(), // "rows×cols" -> stages without a host
  library: null,
  shown: new Map(), // the page's key -> the view itself
  told: new Map(), // the page's key -> the last that followers were told
  parts: new Map(), // the page's key -> the followers' functions
});
export { shared };
