"""Models at equal cost as tables in Markdown."""

from typing import Any

import claims

from app.pages.results.equal import reading
from app.ui import words


def number(value: float | None, places: int) -> str:
    """So many decimals, or a dash."""
    return "–" if value is None else f"{value:.{places}f}"


def with_spread(cell: dict[str, Any] | None, places: int) -> str:
    """Mean ± standard deviation, the latter where there is one."""
    if cell is None:
        return "–"
    return number(cell["mean"], places) + (
        "" if cell["std"] is None else f" ± {cell['std']:.{places}f}"
    )


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The least error first, what has not run last, by name."""
    return sorted(
        rows, key=lambda r: (r["state"] != "finished", r.get("test", {}).get("mean", 0), r["title"])
    )


def rows_of(found: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """The models of one table."""
    return [r for r in found["table"] if r["place"] == where]


def text(found: dict[str, Any]) -> str:
    """The tables in Markdown."""
    return "\n\n".join(_table(found, where) for where in found["places"])


def claims_text(found: dict[str, Any]) -> str:
    """What models claim, and what was measured of it, in Markdown."""
    return claims.text(found["claims"]) if found["claims"] else "Not yet measured."


def _table(found: dict[str, Any], where: str) -> str:
    about = found["places"][where]
    forces = where == "rmd17"
    decimals = 4 if about["metric"] == "MSE" else 1
    names = [f"test {about['metric']}, {about['unit']}"] + ["forces, meV/Å"] * forces
    head = ["model", "claims", *names, "seeds", "parameters", "s a step", "epochs", "processor s",
            "Δ SO(3) float32", "float64", "Δ C_i float64", "published", *["forces"] * forces,
            "published on"]  # fmt: skip
    rows = [[f"`{k}`", "", f"{v:.4g}"] for k, v in about["baselines"].items()]
    for r in ordered(rows_of(found, where)):
        p = r["published"] or {"value": None, "forces": None, "on": ""}
        paper = ["–" if p["value"] is None else f"{p['value']:g}"]
        paper += ["–" if p["forces"] is None else f"{p['forces']:g}"] * forces
        title = f"{r['title']} · {r['claim'].replace(' x ', ' × ')}".split(" · ")
        if r["state"] != "finished":
            rows.append([*title, "*not yet run*", *[""] * (8 + forces), *paper, p["on"]])
            continue
        d = r["delta"]
        rows.append(
            [
                *title,
                with_spread(r["test"], decimals),
                *[with_spread(r["forces"], 1)] * forces,
                str(r["seeds"]),
                f"{r['parameters']:,.0f}",
                words.number(r["seconds_a_step"]),
                words.number(r["epochs"]),
                f"{r['processor']:,.0f}",
                *(f"{d['SO(3)'][t]:.0e}" for t in ("float32", "float64")),
                f"{d['C_i']['float64']:.0e}",
                *paper,
                p["on"],
            ]
        )
    lines_ = [head, ["---"] * len(head), *(r + [""] * (len(head) - len(r)) for r in rows)]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines_)
    done = [r for r in ordered(rows_of(found, where)) if r["state"] == "finished"]
    said = f"\n\n{reading(done, about)}" if done else ""
    return (
        f"### {about['title']}: {about['minutes']:.0f} processor minutes each\n\n{about['split']}. "
        f"{about['note']}{said}\n\n{body}"
    )
