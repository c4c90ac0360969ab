"""The tables of docs/results.md and of the page Results: runs at equal cost, and the shipped runs.

python benchmarks/results.py [--write] [--claims] [--json]

With --write the tables stand in docs/results.md between their marks, and the runs at equal cost in
trained/equal_cost/result.json, which the page reads. Those are read from runs/ of $DEMETAR_HOME;
what is not there is kept as it was stored (see equal_cost.py).
"""

import argparse
import json
from pathlib import Path
from typing import Any

import equal_cost
import equal_cost_text
import marked

from demetar.core import disk
from demetar.data.sets import rmd17

ROOT = Path(__file__).parents[1]
STORED = ROOT / "trained" / "equal_cost" / "result.json"
PAGE = ROOT / "docs" / "results.md"


def row(folder: Path) -> str:
    """One line of the table for a shipped run."""
    r, c = (json.loads((folder / f"{name}.json").read_text()) for name in ("results", "config"))
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1]) if lines else {"epoch": 0, "seconds": 0}
    published = "–" if r["published"] is None else f"{r['published']:g}"
    d = [r["delta"]["SO(3)"][t]["max"] for t in ("float32", "float64")]
    value = f"{r['test']['value']:.{4 if r['test']['metric'] == 'MSE' else 1}f}"
    cells = [f"[{folder.name}](../trained/{folder.name}/CARD.md)", value, published]
    if c["dataset"] == "rmd17":
        cells[2:2] = [f"{r['test']['errors']['forces']['value']:.1f}"]
        cells.append(forces_of(c))
    cells += [f"{last['epoch']:.0f} / {c['epochs']}", f"{last['seconds'] / 60:.0f}"]
    return "| " + " | ".join([*cells, *(f"{x:.0e}" for x in d)]) + " |"


def forces_of(c: dict[str, Any]) -> str:
    """The published error of forces for a run's model and molecule."""
    known = rmd17.PUBLISHED_ON_MD17.get(c["model"], {})
    found = known.get(c["data_options"].get("molecule", "ethanol"))
    return "–" if found is None else f"{found[1]:g}"


def shipped() -> str:
    """One table for each data set and variant, of the runs under trained/."""
    tables: dict[tuple[str, str], list[Path]] = {}
    for folder in sorted(p.parent for p in (ROOT / "trained").glob("*/config.json")):
        c = json.loads((folder / "config.json").read_text())
        variant = (c.get("data_options") or {}).get("variant", "")
        variant = "" if variant == "published" else variant
        tables.setdefault((f"{c['dataset']} {variant}".strip(), c["target"]), []).append(folder)
    return "\n\n".join(_table(*key, folders) for key, folders in tables.items())


def _table(name: str, target: str, folders: list[Path]) -> str:
    r = json.loads((folders[0] / "results.json").read_text())
    head = ["run", f"test {r['test']['metric']}, {r['test']['unit']}", "published"]
    if name == "rmd17":
        head[2:2] = ["forces, meV/Å"]
        head.append("published forces")
    head += ["epochs", "minutes", "Δ SO(3) float32", "float64"]
    lines = [f"### {name}: {target}", ""]
    lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for key, value in r["baselines"].items():
        lines.append(f"| `{key}` | {value:.4g} |" + " |" * (len(head) - 2))
    return "\n".join(lines + [row(folder) for folder in sorted(folders, key=_error)])


def _error(folder: Path) -> float:
    return json.loads((folder / "results.json").read_text())["test"]["value"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--write", action="store_true", help="keep the result for page and docs")
    parser.add_argument(
        "--json", action="store_true", help="the runs at equal cost as one document"
    )
    parser.add_argument("--claims", action="store_true", help="measure what models claim anew")
    given = parser.parse_args()
    stored = json.loads(STORED.read_text()) if STORED.is_file() else None
    found = equal_cost.result(stored, given.claims)
    parts = {
        "equal cost": equal_cost_text.text(found),
        "claims": equal_cost_text.claims_text(found),
        "shipped": shipped(),
    }
    if given.write:
        STORED.parent.mkdir(exist_ok=True)
        disk.write_atomically(STORED, (json.dumps(found, indent=1) + "\n").encode())
        page = PAGE.read_text()
        for name, content in parts.items():
            page = marked.replaced(page, name, content, "results.py")
        disk.write_atomically(PAGE, page.encode())
    print(json.dumps(found) if given.json else "\n\n".join(parts.values()))


if __name__ == "__main__":
    main()
