// One 3Dmol canvas: a grid of panels on a single WebGL context, kept for the life of the page.
import { shade } from "./theme.js";

const METHODS = new Set(["addModel", "addArrow", "addCylinder", "addSphere"]);
const MODEL_METHODS = new Set(["addAtoms", "setStyle"]);
const shared = (globalThis[Symbol.for("demetar.viewer")] ??= {
  views: new WeakMap(), // host element -> what is shown in it
  cameras: new Map(), // the page's key -> the camera's eight numbers
  idle: new Map(), // "rows×cols" -> stages without a host
  library: null,
});
export { shared };

/** Resolves to 3Dmol, loaded once from this server; rejects when the file is not there. */
export function loadLibrary(path) {
  if (globalThis.$3Dmol) return Promise.resolve(globalThis.$3Dmol);
  shared.library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(path, document.baseURI).href;
    script.onload = () => (globalThis.$3Dmol ? resolve(globalThis.$3Dmol) : reject(new Error()));
    script.onerror = () => {
      shared.library = null;
      script.remove();
      reject(new Error("missing"));
    };
    document.head.append(script);
  });
  return shared.library;
}

/** A stage for this grid: a resting one if there is one, since a page may hold few contexts. */
export function takeStage(library, rows, cols, host) {
  const resting = shared.idle.get(`${rows}×${cols}`)?.pop();
  const stage = resting ?? new Stage(library, rows, cols, host);
  host.append(stage.element);
  stage.restore();
  return stage;
}

class Stage {
  constructor(library, rows, cols, host) {
    this.rows = rows;
    this.cols = cols;
    this.element = document.createElement("div");
    this.element.className = "stage";
    host.append(this.element); // 3Dmol wants to know its size
    const grid = library.createViewerGrid(
      this.element,
      { rows, cols, control_all: false },
      { nomouse: true, backgroundAlpha: 0, antialias: true, upscale: false, disableFog: false },
    );
    this.viewers = grid.flat();
    for (const viewer of this.viewers) {
      // The stage is redrawn as a whole by its owner; a viewer on its own would wipe the others.
      viewer.divwatcher?.disconnect();
      viewer.intwatcher?.disconnect();
    }
    this.tracks = this.viewers.map(() => []);
  }

  /** Fits the canvas to its element; everything must be drawn again after it. */
  restore() {
    for (const viewer of this.viewers) viewer.resize();
  }

  release() {
    this.element.remove();
    this.viewers.forEach((viewer, k) => this.clear(k));
    const name = `${this.rows}×${this.cols}`;
    if (!shared.idle.has(name)) shared.idle.set(name, []);
    shared.idle.get(name).push(this);
  }

  clear(k) {
    this.viewers[k].removeAllShapes();
    this.viewers[k].removeAllModels();
    this.tracks[k] = [];
  }

  /** Replaces what panel k holds; leaves out what `settles` while the input is being turned. */
  fill(k, panel, theme, reach, unsettled) {
    const viewer = this.viewers[k];
    this.clear(k);
    const models = [];
    let shape = null;
    let look = "";
    for (const [name, args, flag] of panel.calls) {
      if (unsettled && flag === "settles") continue;
      const [target, method] = name.startsWith("model.") ? ["model", name.slice(6)] : ["", name];
      if (target && MODEL_METHODS.has(method)) {
        models.at(-1)[method](...recolor(args, theme));
      } else if (METHODS.has(name)) {
        const [spec] = recolor(args, theme);
        if (name === "addModel") {
          models.push(viewer.addModel("", ""));
          continue;
        }
        // Shapes of one look share one mesh: fewer draw calls.
        const { color, opacity = 1 } = spec;
        if (shape === null || look !== color + opacity) {
          shape = viewer.addShape({ color, opacity });
          look = color + opacity;
        }
        shape[name](spec);
      }
    }
    viewer.setBackgroundColor(theme.background, 0);
    viewer.setSlab(-2.5 * reach, 2.5 * reach);
    this.tracks[k] = panel.tracks.map((track) => ({ ...track, object: models[track.model] }));
  }

  /** Moves the spheres of a panel's tracks to a time in frames, between frames in a line. */
  seek(k, time) {
    for (const { frames, object } of this.tracks[k]) {
      const low = Math.min(Math.floor(time), frames.length - 1);
      const high = Math.min(low + 1, frames.length - 1);
      const part = time - low;
      object.selectedAtoms({}).forEach((atom, i) => {
        const [from, to] = [frames[low][i], frames[high][i]];
        atom.x = from[0] + part * (to[0] - from[0]);
        atom.y = from[1] + part * (to[1] - from[1]);
        atom.z = from[2] + part * (to[2] - from[2]);
      });
      object.molObj = null;
    }
  }

  /** Draws panel k as seen by `view`; `changed` when its content is new. */
  draw(k, view, changed) {
    const viewer = this.viewers[k];
    if (changed) {
      const now = viewer.getView();
      if (view.some((part, i) => part !== now[i])) place(viewer, view);
      viewer.render();
    } else {
      viewer.setView(view, true);
    }
  }
}

/** Sets the eight numbers without drawing (setView draws). */
function place(viewer, view) {
  const { modelGroup, rotationGroup } = viewer;
  if (!modelGroup || !rotationGroup) return viewer.setView(view, true);
  [modelGroup.position.x, modelGroup.position.y, modelGroup.position.z] = view;
  rotationGroup.position.z = view[3];
  const q = rotationGroup.quaternion;
  [q.x, q.y, q.z, q.w] = view.slice(4);
}

function recolor(args, theme) {
  return JSON.parse(JSON.stringify(args), (key, value) =>
    key === "color" && typeof value === "string" ? shade(value, theme) : value,
  );
}
