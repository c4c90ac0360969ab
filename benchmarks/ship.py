"""Copies finished runs of the experiments at equal cost into trained/, each with its card.

python benchmarks/ship.py NAME … [--as NAME] [--replace] [--write]
python benchmarks/ship.py --missing [--write]

Runs are read from runs/ of $DEMETAR_HOME. A run `<model>-<data>[-<target>]-…-s0` is shipped as
`<model>-nbody`, `<model>-nbody-clean`, `<model>-qm9-homo` or `<model>-rmd17-ethanol[-se3]`. With
--missing every finished run of seed 0 is taken whose name is not shipped yet. Without --write the
plan is printed. A run has to have come to its end, to beat the trivial predictors' best, and to be
2 MB at most; trained/ may not pass 40 MB.
"""

import argparse
import dataclasses
import json
import re
import shutil
import sys
from pathlib import Path

import equal_cost

from demetar.core.disk import home
from demetar.runs import card
from demetar.runs.folder import save
from demetar.runs.run import load

TRAINED = Path(__file__).parents[1] / "trained"
FILES = ("config.json", "params.npz", "metrics.jsonl", "results.json")
MOST, ALL = 2_000_000, 40_000_000  # bytes of a run, and of trained/


def shipped_name(name: str) -> str:
    """The name under trained/ of a run of the experiments."""
    short = re.sub(r"-s\d+$", "", name)
    return short.replace("-nbody-published", "-nbody")


def size(folder: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def reason_against(folder: Path, name: str, replace: bool) -> str:
    """Why a run is not shipped under that name; "" if nothing speaks against it."""
    if not equal_cost.finished(folder):
        return "it did not come to its end"
    if (TRAINED / name).exists() and not replace:
        return f"{name} is shipped already; give --replace or another name with --as"
    files = sum((folder / f).stat().st_size for f in FILES if (folder / f).is_file())
    if files > MOST:
        return f"it is {files / 1e6:.1f} MB"
    if size(TRAINED) + files > ALL:
        return f"trained/ would pass {ALL / 1e6:.0f} MB"
    results = equal_cost.measured(folder, lambda *text, **_: print(*text, file=sys.stderr))
    best = min(v for k, v in results["baselines"].items() if "forces" not in k)
    if results["test"]["value"] >= best:
        return f"its test error {results['test']['value']:.4g} is not below the trivial {best:.4g}"
    return ""


def ship(folder: Path, name: str) -> Path:
    """Copies the run under its new name, which its configuration and its card then have too."""
    target = TRAINED / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for file in FILES:
        shutil.copyfile(folder / file, target / file)
    run = load(target)
    results = json.loads((target / "results.json").read_text())
    config = run.config | {"name": name}
    save(target, config, run.params)
    card.write(
        dataclasses.replace(run, name=name, config=config),
        lambda run: results["share"],
        results["test"],
    )
    return target


def missing() -> list[str]:
    """Finished runs of seed 0 whose names are not under trained/ yet."""
    runs = [c for c in equal_cost.asked() if c.seed == 0]
    return [
        c.name
        for c in runs
        if equal_cost.finished(home() / "runs" / c.name)
        and not (TRAINED / shipped_name(c.name)).exists()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("runs", nargs="*", metavar="NAME")
    parser.add_argument("--missing", action="store_true", help="all that are not shipped yet")
    parser.add_argument("--as", dest="name", help="another name under trained/, for one run")
    parser.add_argument("--replace", action="store_true", help="take the place of a shipped run")
    parser.add_argument("--write", action="store_true", help="do it")
    given = parser.parse_args()
    chosen = given.runs + (missing() if given.missing else [])
    if given.name and len(chosen) != 1:
        raise SystemExit(f"Expected one run beside --as, got {len(chosen)}; name one.")
    for run in chosen:
        folder, name = home() / "runs" / run, given.name or shipped_name(run)
        against = reason_against(folder, name, given.replace)
        if not against and given.write:
            ship(folder, name)
        print(f"{run} -> {name}: {against or ('shipped' if given.write else 'can be shipped')}")
    print(f"trained/ has {size(TRAINED) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
