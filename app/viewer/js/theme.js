// Colours follow the page: Streamlit's CSS variables, and lighter Okabe–Ito tones on a dark page.

const ON_DARK = {
  "#0072B2": "#4BA3E3",
  "#D55E00": "#F28C3A",
  "#C24E00": "#F28C3A",
  "#66717F": "#C9D1DC",
  "#7B4FA3": "#B993DC",
  "#009E73": "#2CC79A",
  "#3C8D6E": "#4FA582",
  "#B08A2E": "#C79F45",
  "#8A94A3": "#A7B0BD",
};

let probe;

/** Any CSS colour as [r, g, b]. */
function components(color) {
  probe ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  probe.canvas.width = probe.canvas.height = 1;
  probe.fillStyle = "#ffffff";
  probe.fillStyle = color;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

const hex = (rgb) => "#" + rgb.map((c) => c.toString(16).padStart(2, "0")).join("");

/** The page's colours as 3Dmol and canvas want them; `key` changes when the theme does. */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name, other) => style.getPropertyValue(name).trim() || other;
  const card = components(style.backgroundColor);
  const text = components(read("--st-text-color", "#31333f"));
  const dark = card[0] + card[1] + card[2] < 384;
  const background = hex(card);
  const page = hex(components(read("--st-background-color", background)));
  const muted = dark ? "#A7B0BD" : "#5B6675";
  const font = style.fontFamily;
  return { dark, background, page, muted, text: hex(text), font, key: background + hex(text) };
}

/** The colour to draw on this theme for a colour named by Python. */
export function shade(color, theme) {
  return theme.dark ? (ON_DARK[color.toUpperCase()] ?? color) : color;
}
