// One 3Dmol canvas: a grid of panels on a single WebGL context, kept for the life of the page.
import { Swarm } from "./arrows.js";
import { Balls } from "./balls.js";
import { between, nameOf, positionsAt } from "./frames.js";
import { Tubes } from "./tubes.js";
import { shared } from "./shared.js";
import { shade } from "./theme.js";

const METHODS = new Set(["addModel", "addArrow", "addCylinder", "addSphere", "addCustom"]);
const MODEL_METHODS = new Set(["addAtoms", "setStyle"]);
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
export function takeStage(library, rows, cols, host, opaque) {
  const resting = shared.idle.get(`${rows}×${cols} ${opaque}`)?.pop();
  const stage = resting ?? new Stage(library, rows, cols, host, opaque);
  host.append(stage.element);
  if (resting) stage.restore();
  return stage;
}

class Stage {
  /** `opaque`: nothing lies under the pictures; that composes faster, and translucence is exact. */
  constructor(library, rows, cols, host, opaque) {
    this.opaque = opaque;
    this.rows = rows;
    this.cols = cols;
    this.element = document.createElement("div");
    this.element.className = "stage";
    host.append(this.element); // 3Dmol wants to know its size
    this.viewers = makeViewers(library, this.element, rows, cols, opaque);
    this.samples = 1;
    this.tracks = this.viewers.map(() => []);
    this.swarms = this.viewers.map(() => new Map());
    this.fogs = [];
  }

  /** Fits the canvas to its element; everything must be drawn again after it. */
  restore() {
    this.samples = 1;
    for (const viewer of this.viewers) viewer.resize();
  }

  /** Sets the samples a pixel along one edge; true if that emptied the canvas. */
  sharpen(samples) {
    if (this.samples === samples) return false;
    this.samples = samples;
    const ratio = Math.max(samples, globalThis.devicePixelRatio || 1);
    const canvas = this.viewers[0].getCanvas();
    canvas.width = this.element.clientWidth * ratio;
    canvas.height = this.element.clientHeight * ratio;
    for (const { renderer } of this.viewers) Object.assign(renderer, { devicePixelRatio: ratio });
    return true;
  }

  /** Waits until the pictures are really there. */
  finish() {
    const canvas = this.viewers[0].getCanvas();
    const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
    context?.readPixels(0, 0, 1, 1, context.RGBA, context.UNSIGNED_BYTE, new Uint8Array(4));
  }

  release() {
    this.element.remove();
    this.viewers.forEach((viewer, k) => this.clear(k));
    const name = `${this.rows}×${this.cols} ${this.opaque}`;
    if (!shared.idle.has(name)) shared.idle.set(name, []);
    shared.idle.get(name).push(this);
  }

  clear(k) {
    this.viewers[k].removeAllShapes();
    this.viewers[k].removeAllModels();
    this.tracks[k] = [];
    if (this.linked) this.linked[k] = null;
    this.swarms[k].clear();
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
    for (const field of panel.fields) {
      const color = shade(field.color, theme);
      const stretch = field.scale * field.magnify;
      const Kind = field.places ? Tubes : Swarm;
      const swarm = new Kind(viewer, field, color, field.places ?? field.vectors, stretch);
      this.swarms[k].set(nameOf(field), swarm);
    }
    if (this.fogs[k] !== theme.background) {
      // The fog's colour too; it draws, so not each time.
      viewer.setBackgroundColor(theme.background, this.opaque ? 1 : 0);
      this.fogs[k] = theme.background;
    }
    viewer.setSlab(-2.5 * reach, 2.5 * reach);
    this.tracks[k] = panel.tracks.map((track) => {
      if (track.trail) return { ...track, object: models[track.model] };
      const balls = new Balls(viewer, track, theme);
      balls.hidden = unsettled && track.role !== "left";
      return { ...track, balls };
    });
  }

  /** Gives a set of arrows of panel k other vectors, drawn so many Å long a unit; or paths other places. */
  move(k, name, vectors, stretch) {
    this.swarms[k].get(name)?.move(vectors, stretch);
  }

  /** Rods {start, end, weight 0..1} in panel k, in place of those before. */
  rods(k, rods, color) {
    const viewer = this.viewers[k];
    const point = ([x, y, z]) => ({ x, y, z });
    if (this.linked?.[k]) viewer.removeShape(this.linked[k]);
    (this.linked ??= [])[k] = null;
    if (rods.length === 0) return;
    const shape = viewer.addShape({ color, opacity: 0.75 });
    for (const { start, end, weight } of rods) {
      const look = { radius: 0.02 + 0.09 * weight, fromCap: 2, toCap: 2, color };
      shape.addCylinder({ start: point(start), end: point(end), ...look });
    }
    this.linked[k] = shape;
  }

  /** Moves the spheres of a panel's tracks to a time in frames, between frames in a line. */
  seek(k, time) {
    for (const track of this.tracks[k]) {
      const { frames, every, object, balls } = track;
      if (balls) {
        balls.move(positionsAt(track, time));
        continue;
      }
      const { low, high, part } = between(frames, every, time);
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

/** Viewers in reading order on one canvas, each drawing into its share of it. */
function makeViewers(library, element, rows, cols, opaque) {
  const canvas = document.createElement("canvas");
  element.append(canvas);
  if (opaque) {
    const wanted = { alpha: false, antialias: false, preserveDrawingBuffer: true };
    canvas.getContext("webgl2", wanted) ?? canvas.getContext("webgl", wanted); // 3Dmol takes it over
  }
  const grid = [];
  const settings = { rows, cols, canvas, viewers: grid, control_all: false, nomouse: true };
  const looks = { backgroundAlpha: 0, antialias: false, upscale: false };
  for (let row = 0; row < rows; row++) {
    const line = [];
    for (let col = 0; col < cols; col++) {
      const viewer = library.createViewer(element, { ...settings, ...looks, row, col });
      drawDirectly(viewer.renderer);
      // The stage is redrawn as a whole by its owner; a viewer on its own would wipe the others.
      viewer.divwatcher?.disconnect();
      viewer.intwatcher?.disconnect();
      line.push(viewer);
    }
    grid.unshift(line); // 3Dmol counts rows from the bottom
  }
  return grid.flat();
}

/** No detour through off-screen textures, which serve outlines only and cost half of each frame
 * without a GPU (4 panels of 650×400: 43 ms a frame with them, 18 ms without). */
function drawDirectly(renderer) {
  if (!renderer) return;
  Object.getPrototypeOf(renderer).initFrameBuffer = () => {};
  renderer._fb = null;
  // The canvas is see-through: what is translucent must add to its opacity, not lower it.
  const gl = renderer.getContext();
  gl.blendFunc = (source, target) =>
    gl.blendFuncSeparate(source, target, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
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
