"""The table of the shipped runs, as docs/results.md shows it: test error, baselines, Δ_EQ."""

import json
from pathlib import Path

from demetar.core.disk import home

FOLDER = home() / "trained"


def row(folder: Path) -> str:
    """One line of the table for a run."""
    r = json.loads((folder / "results.json").read_text())
    c = json.loads((folder / "config.json").read_text())
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    published = "–" if r["published"] is None else f"{r['published']:g}"
    d = [r["delta"]["SO(3)"][t]["max"] for t in ("float32", "float64")]
    value = (
        f"{r['test']['value']:.4f}" if r["test"]["metric"] == "MSE" else f"{r['test']['value']:.1f}"
    )
    return (
        f"| [{folder.name}](../trained/{folder.name}/CARD.md) | {value} | {published} | "
        f"{last['epoch']:.0f} / {c['epochs']} | {last['seconds'] / 60:.0f} | {d[0]:.0e} | {d[1]:.0e} |"
    )


def main() -> None:
    """Prints one table for each data set and variant."""
    tables: dict[tuple[str, str], list[Path]] = {}
    for folder in sorted(p.parent for p in FOLDER.glob("*/results.json")):
        c = json.loads((folder / "config.json").read_text())
        variant = (c.get("data_options") or {}).get("variant", "")
        tables.setdefault((f"{c['dataset']} {variant}".strip(), c["target"]), []).append(folder)
    for (name, target), folders in tables.items():
        r = json.loads((folders[0] / "results.json").read_text())
        unit = f"test {r['test']['metric']}, {r['test']['unit']}"
        print(f"## {name}: {target}\n")
        print(f"| run | {unit} | published | epochs | minutes | Δ SO(3) float32 | float64 |")
        print("|---|---|---|---|---|---|---|")
        for key, value in r["baselines"].items():
            print(f"| `{key}` | {value:.4g} | | | | | |")
        for folder in sorted(folders, key=_error):
            print(row(folder))
        print()


def _error(folder: Path) -> float:
    return json.loads((folder / "results.json").read_text())["test"]["value"]


if __name__ == "__main__":
    main()
