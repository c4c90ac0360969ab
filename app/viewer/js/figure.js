// The square as a file: one SVG with its words; its scenes drawn as vectors, or as what the canvas shows.
import { FlatStage } from "./flat.js";
import { nameOf, positionsAt } from "./frames.js";
import { make, svg } from "./panels.js";

/** An SVG text of what a view shows; `pixels`: with the canvas's own picture in it. */
export function drawing(view, pixels) {
  const { clientWidth: width, clientHeight: height } = view.square;
  const root = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width, height: height + 8 });
  const { theme } = view.picture;
  const style = { "font-family": "Source Sans Pro, Source Sans, sans-serif", fill: theme.text };
  root.append(svg("rect", { width: "100%", height: "100%", fill: theme.page }));
  const words = svg("g", { ...style, "font-size": 13 });
  const box = view.square.getBoundingClientRect();
  root.append(...cards(view, box, theme));
  root.append(...(pixels ? [canvas(view, box)] : scenes(view, box)));
  for (const element of view.square.querySelectorAll(
    "h3, .legend span, .caption, .note, .link span, .about, .name, .why, output, .differ, .tick",
  )) {
    const place = element.getBoundingClientRect();
    if (element.hidden || !place.width || element.parentElement.closest("h3")) continue;
    const { fontSize, fontWeight, color } = getComputedStyle(element);
    const text = svg("text", {
      x: place.left - box.left,
      y: place.top - box.top + parseFloat(fontSize),
      "font-size": parseFloat(fontSize),
      "font-weight": fontWeight,
      fill: color,
    });
    text.textContent = element.textContent;
    words.append(text);
  }
  root.append(words);
  return new XMLSerializer().serializeToString(root);
}

function cards(view, box, theme) {
  return [...view.square.querySelectorAll(".card")]
    .filter((card) => !card.closest(".empty"))
    .map((card) => {
      const place = card.getBoundingClientRect();
      const [x, y] = [place.left - box.left + 0.5, place.top - box.top + 0.5];
      const size = { width: place.width - 1, height: place.height - 1, rx: 10 };
      return svg("rect", { x, y, ...size, fill: theme.background, stroke: "#8A94A3", "stroke-opacity": 0.5 });
    });
}

function canvas(view, box) {
  const { picture, field } = view;
  picture.shown = [];
  picture.stale = new Set(picture.panels.keys());
  picture.draw(true);
  const source = picture.stage.viewers?.[0].getCanvas();
  const place = field.getBoundingClientRect();
  const at = { x: place.left - box.left, y: place.top - box.top, width: place.width };
  return svg("image", { ...at, height: place.height, href: source.toDataURL("image/png") });
}

function scenes(view, box) {
  const { picture, field } = view;
  const host = make("div");
  host.style.cssText = "position:fixed;left:-9999px;top:0";
  Object.assign(host.style, { width: `${field.clientWidth}px`, height: `${field.clientHeight}px` });
  document.body.append(host);
  const stage = new FlatStage(picture.rows, picture.cols, host);
  stage.element.style.cssText += ";display:grid;width:100%;height:100%";
  for (const one of stage.pictures) one.style.cssText = "width:100%;height:100%";
  const place = field.getBoundingClientRect();
  const found = picture.panels.map((panel, k) => {
    stage.fill(k, panel, picture.theme, picture.reach, false);
    for (const field of panel.fields) {
      const now = picture.moved[k]?.[nameOf(field)];
      const hidden = field.role === "residual" && !picture.residual;
      const stretch = hidden ? 0 : (now?.stretch ?? field.scale * field.magnify);
      stage.move(k, nameOf(field), now?.vectors ?? field.places ?? field.vectors, stretch);
    }
    stage.seek(k, picture.time, positionsAt);
    stage.draw(k, picture.view(k));
    const { x, y } = picture.cell(k);
    const group = svg("g", { transform: `translate(${place.left - box.left + x} ${place.top - box.top + y})` });
    group.append(...stage.pictures[k].childNodes);
    return group;
  });
  host.remove();
  return found;
}

/** Saves a view's figure as "svg" or "png". */
export async function save(view, kind, name) {
  const text = drawing(view, kind === "png");
  let blob = new Blob([text], { type: "image/svg+xml" });
  if (kind === "png") blob = await rastered(blob, view.square.clientWidth, view.square.clientHeight + 8);
  const link = Object.assign(make("a"), { href: URL.createObjectURL(blob), download: `${name}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function rastered(blob, width, height) {
  const image = new Image();
  image.src = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(blob);
  });
  await image.decode();
  const sheet = Object.assign(make("canvas"), { width: 2 * width, height: 2 * height });
  sheet.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
  return new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
}
