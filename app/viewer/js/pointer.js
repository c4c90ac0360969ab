// What hands do: drag, pinch, wheel, click and keys. Only these ever report to Python.
import { IDENTITY, dragRotation, fromAxisAngle } from "./math.js";
import { zoomOf } from "./panels.js";

const CLICK = 4; // pixels a click may wander
const STEP = Math.PI / 36;
const ARROWS = {
  ArrowLeft: [0, -1, 0],
  ArrowRight: [0, 1, 0],
  ArrowUp: [-1, 0, 0],
  ArrowDown: [1, 0, 0],
};

/** Listens on card k of a view (see main.js for what a view can do). */
export function listen(view, card, k) {
  const fingers = new Map();
  let last = null;
  let mode = null;
  let wandered = 0;
  const at = (event) => {
    const box = card.getBoundingClientRect();
    const zoom = zoomOf(card);
    return { x: (event.clientX - box.left) / zoom, y: (event.clientY - box.top) / zoom };
  };
  card.onpointerdown = (event) => {
    if (event.target.closest("button")) return;
    card.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    last = at(event);
    wandered = 0;
    const pan = event.shiftKey || event.button !== 0;
    mode = fingers.size > 1 ? "pinch" : pan ? "pan" : view.isInput(k) ? "input" : "camera";
    view.point(k, null);
  };
  card.onpointermove = (event) => {
    const here = at(event);
    if (!fingers.has(event.pointerId)) return view.point(k, view.atomAt(k, here));
    const before = fingers.get(event.pointerId);
    fingers.set(event.pointerId, here);
    if (mode === "pinch") return pinch(view, fingers, event.pointerId, before);
    wandered = Math.max(wandered, Math.hypot(here.x - last.x, here.y - last.y));
    if (wandered < CLICK && before === last) return;
    const [dx, dy] = [here.x - before.x, here.y - before.y];
    view.live.pointed = event.timeStamp;
    if (mode === "pan") view.pan(dx, dy);
    else turn(view, mode, dragRotation(dx, dy, Math.min(card.clientWidth, card.clientHeight)));
  };
  card.onpointerup = card.onpointercancel = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && wandered < CLICK && mode !== "pinch" && mode !== "pan") {
      view.pick(k, at(event));
    }
    if (mode === "input") view.settle();
    if (fingers.size === 0) mode = null;
  };
  card.onpointerleave = () => view.point(k, null);
  card.oncontextmenu = (event) => event.preventDefault();
  card.addEventListener(
    "wheel",
    (event) => {
      // The page scrolls unless the viewer has been chosen: nobody is caught on the way down.
      if (!event.ctrlKey && !view.chosen()) return;
      event.preventDefault();
      view.zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 250));
    },
    { passive: false },
  );
}

function turn(view, mode, rotation) {
  if (mode === "input") view.turnInput(rotation);
  else view.turnCamera(rotation);
}

function pinch(view, fingers, moved, before) {
  const [a, b] = [...fingers.values()];
  const other = fingers.get(moved) === a ? b : a;
  const now = fingers.get(moved);
  const was = Math.hypot(before.x - other.x, before.y - other.y);
  if (was > 0) view.zoom(Math.hypot(now.x - other.x, now.y - other.y) / was);
}

/** Keys: arrows turn the camera, with Shift the input; + − zoom; 0 resets; space plays. */
export function listenKeys(view, root) {
  let turning = false;
  root.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select")) return;
    const axis = ARROWS[event.key];
    const actions = {
      "+": () => view.zoom(1.1),
      "=": () => view.zoom(1.1),
      "-": () => view.zoom(1 / 1.1),
      0: () => view.reset(),
    };
    if (axis) {
      const rotation = fromAxisAngle(axis, STEP);
      turning = event.shiftKey && view.hasInput();
      turn(view, turning ? "input" : "camera", rotation ?? IDENTITY);
    } else if (event.key in actions) {
      actions[event.key]();
    } else if (event.key === " " && event.target === root && view.player) {
      view.player.toggle();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  root.onkeyup = (event) => {
    if (turning && event.key in ARROWS) {
      turning = false;
      view.settle();
    }
  };
}
