// The one camera of all panels: eight numbers, remembered by the page's key.
import { fitCamera, panCamera, turnCamera, zoomCamera } from "./math.js";
import { shared } from "./shared.js";

export class Camera {
  constructor(moved) {
    this.moved = moved; // called after every move by hand
    this.view = null;
  }

  /**
   * Picks up where this key left it; looks anew at a scene named differently. Steps back where what came
   * later is cut, such as the first arrows of a model, but never once the hand has moved it.
   */
  take(key, fit, aspect) {
    const known = shared.cameras.get(key);
    Object.assign(this, { key, fit });
    const same = known?.token === fit.token;
    this.held = same && known.held;
    this.radius = same ? known.radius : 0;
    if (same && (this.held || fit.radius <= this.radius)) this.view = known.view;
    else this.look(aspect, known?.view.slice(4));
  }

  /** All that belongs into the picture. */
  look(aspect, orientation) {
    this.radius = this.fit.radius;
    this.set(fitCamera(this.fit.centre, this.radius, aspect, orientation));
  }

  set(view) {
    this.view = view;
    const { held, radius } = this;
    shared.cameras.set(this.key, { view, held, radius, token: this.fit.token });
  }

  move(view) {
    this.held = true;
    this.set(view);
    this.moved();
  }

  turn = (rotation) => this.move(turnCamera(this.view, rotation));
  pan = (dx, dy, height) => this.move(panCamera(this.view, dx, dy, height));
  zoom = (factor) => this.move(zoomCamera(this.view, factor));

  reset(aspect) {
    this.held = false;
    this.look(aspect);
    this.moved();
  }
}
