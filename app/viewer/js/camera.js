// The one camera of all panels: eight numbers, remembered by the page's key.
import { fitCamera, panCamera, turnCamera, zoomCamera } from "./math.js";
import { shared } from "./shared.js";

export class Camera {
  constructor(moved) {
    this.moved = moved; // called after every move by hand
    this.view = null;
  }

  /** Picks up where this key left it; looks anew at a first scene or one named differently. */
  take(key, fit, aspect) {
    const known = shared.cameras.get(key);
    Object.assign(this, { key, fit });
    if (known && known.token === fit.token) this.view = known.view;
    else this.set(fitCamera(fit.centre, fit.radius, aspect, known?.view.slice(4)));
  }

  set(view) {
    this.view = view;
    shared.cameras.set(this.key, { view, token: this.fit.token });
  }

  move(view) {
    this.set(view);
    this.moved();
  }

  turn = (rotation) => this.move(turnCamera(this.view, rotation));
  pan = (dx, dy, height) => this.move(panCamera(this.view, dx, dy, height));
  zoom = (factor) => this.move(zoomCamera(this.view, factor));
  reset = (aspect) => this.move(fitCamera(this.fit.centre, this.fit.radius, aspect));
}
