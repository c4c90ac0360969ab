// The same content as numbers, for who cannot see the picture or wants to read it off.
import { make } from "./panels.js";

/** A button and the body that it opens; `write` is cheap while the body is closed. */
export function makeTable() {
  const button = make("button", "quiet", "table");
  button.type = "button";
  const body = make("div", "tables");
  body.hidden = true;
  let panels = [];
  let shown = "";
  const fill = () => {
    button.setAttribute("aria-expanded", String(!body.hidden));
    const wanted = panels.map((panel) => panel.digest).join();
    if (body.hidden || wanted === shown) return;
    shown = wanted;
    body.replaceChildren(...panels.filter((panel) => panel.table).map(toTable));
  };
  button.onclick = () => {
    body.hidden = !body.hidden;
    fill();
  };
  const write = (wanted) => {
    panels = wanted;
    fill();
  };
  fill();
  return { button, body, write };
}

function toTable({ title, about, table }) {
  const element = make("table");
  element.append(make("caption", "", `${title} ${about}`.trim()));
  const line = (cells, tag) => {
    const row = make("tr");
    row.append(...cells.map((cell) => make(tag, "", cell)));
    return row;
  };
  const head = make("thead");
  head.append(line(table.columns, "th"));
  const body = make("tbody");
  body.append(...table.rows.map((cells) => line(cells, "td")));
  element.append(head, body);
  return element;
}
