"""The `demetar` command. Bad input ends with one sentence on standard error and exit code 2."""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from demetar import cli_data
from demetar.errors import InputError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}; see {self.prog} --help.")


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(
            f"Expected a setting as key=value, got {text!r}; write for example width=128."
        )
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _add_train(commands: Any) -> None:
    from demetar.settings import Config, connect_setting

    p = commands.add_parser("train", help="train a model; writes runs/<name>")
    p.add_argument("--config", help="JSON file of settings; flags override it")
    p.add_argument("--resume", action="store_true", help="go on with the run of that name")
    mirror = "tensorboard, mlflow or wandb hears of the run too; may be given several times"
    p.add_argument("--mirror", action="append", default=[], metavar="NAME", help=mirror)
    for field in dataclasses.fields(Config):
        flag = "--" + field.name.replace("_", "-")
        if field.name in ("model_config", "data_options"):
            p.add_argument(flag, nargs="*", type=_setting, metavar="KEY=VALUE", default=None)
        elif isinstance(field.default, bool):
            p.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            kind = int if field.default is None else type(field.default)
            kind = connect_setting if field.name == "connect" else kind
            p.add_argument(flag, type=kind, default=None, help=f"default: {field.default!r}")
    several = p.add_argument_group("several processes", "each on its own host, or all on one")
    several.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 listens")
    several.add_argument("--processes", type=int, default=1, metavar="N")
    several.add_argument("--process", type=int, default=0, metavar="I", help="0 to N - 1")
    p.set_defaults(call=_train)


def _train(args: argparse.Namespace) -> Any:
    if args.coordinator or args.processes != 1:
        from demetar import devices

        devices.join(args.coordinator or "", args.processes, args.process)
    from demetar import mirrors
    from demetar.fit import fit
    from demetar.run import home
    from demetar.train import Config, resolve

    names = {f.name for f in dataclasses.fields(Config)}
    given = {}
    if args.config:
        try:
            given = json.loads(Path(args.config).read_text())
        except (OSError, ValueError) as error:
            raise InputError(
                f"Expected a JSON file of settings, {args.config} could not be read ({error}); correct it."
            ) from None
        if not isinstance(given, dict) or set(given) - names:
            raise InputError(
                f"Expected settings among {', '.join(sorted(names))} in {args.config}, got others; "
                "remove them."
            )
    flags = {k: v for k, v in vars(args).items() if k in names and v is not None}
    for key in ("model_config", "data_options"):
        if key in flags:
            flags[key] = dict(flags[key])
    config, _ = resolve(Config(**{**given, **flags}))
    told = mirrors.create(args.mirror, home() / "runs" / config.name)
    folder = fit(config, args.resume, _Bar(), told)
    print(file=sys.stderr)
    return {"folder": str(folder), "status": json.loads((folder / "status.json").read_text())}


class _Bar:
    """A bar on standard error, drawn at most five times a second."""

    drawn = 0.0

    def __call__(self, line: dict[str, Any]) -> None:
        share = line["step"] / max(line["steps"], 1)
        if time.monotonic() - self.drawn < 0.2 and share < 1:
            return
        self.drawn, filled = time.monotonic(), int(30 * share)
        text = f"\r{'█' * filled}{'·' * (30 - filled)} {100 * share:5.1f} %  step {line['step']}"
        padding = f"padding {100 * line['padding']['edges']:.1f} % of edges"
        print(f"{text}  best {line['best']:.4g}  {padding} ", end="", file=sys.stderr, flush=True)


def _models(args: argparse.Namespace) -> Any:
    from demetar import registry

    found = {n: registry.load("models", n) for n in registry.names("models")}
    return [
        {
            "name": n, "title": m.TITLE, "symmetry": m.SYMMETRY, "outputs": list(m.OUTPUTS),
            "reference": m.REFERENCE,
        }
        for n, m in found.items()
    ]  # fmt: skip


def _runs(args: argparse.Namespace) -> Any:
    from demetar.run import folders

    rows = []
    for folder in folders():
        config = json.loads((folder / "config.json").read_text())
        rows.append(
            {"name": folder.name, **{k: config.get(k) for k in ("model", "dataset", "target")}}
        )
    return rows


def _measure(args: argparse.Namespace) -> Any:
    import numpy as np

    import demetar

    run, graph = demetar.load(args.run), demetar.read(args.file)
    m = demetar.measure(run, graph, args.group, args.samples, args.seed, args.dtype)

    def summary(d: np.ndarray) -> dict[str, float]:
        return {"median": float(np.median(d)), "max": float(np.max(d))}

    return {
        "run": run.name, "file": args.file, "group": args.group, "samples": args.samples,
        "seed": args.seed, "dtype": args.dtype, "claimed": run.symmetry,
        "delta": {k: summary(v) for k, v in m.delta.items()},
        "absolute": {k: summary(v) for k, v in m.absolute.items()},
        "layers": [
            {"name": layer.name, **{k: summary(v) for k, v in layer.features.items()}}
            | ({} if layer.attention is None else {"attention": summary(layer.attention)})
            for layer in m.layers
        ],
    }  # fmt: skip


def _evaluate(args: argparse.Namespace) -> Any:
    from demetar.evaluate import evaluate
    from demetar.run import load

    return {"run": args.run, **evaluate(load(args.run), args.split, args.size)}


def _card(args: argparse.Namespace) -> Any:
    from demetar.card import write
    from demetar.run import load

    return write(load(args.run))


def _efficiency(args: argparse.Namespace) -> Any:
    from demetar.experiments import efficiency
    from demetar.run import home

    out = Path(args.out) if args.out else home() / "runs" / "data_efficiency.json"
    result = efficiency.run(efficiency.SMALL if args.small else efficiency.FULL, out, _told)
    return [{"file": str(out), **point} for point in result["points"]]


def _told(now: dict[str, Any]) -> None:
    text = f"\r{now['done']} of {now['of']}: {now['arm']}, n = {now['n']}, seed {now['seed']}"
    print(f"{text}, step {now.get('step', 0)}   ", end="", file=sys.stderr, flush=True)


def _app(args: argparse.Namespace) -> None:
    from demetar.run import home

    page = home() / "streamlit_app.py"
    if not page.is_file():
        raise InputError(f"Expected streamlit_app.py in {home()}, found none; run from a checkout.")
    raise SystemExit(
        subprocess.call([sys.executable, "-m", "streamlit", "run", str(page), *args.rest])
    )


def _bench(args: argparse.Namespace) -> Any:
    from demetar.registry import closest
    from demetar.run import home

    known = sorted(p.stem for p in (home() / "benchmarks").glob("*.py"))
    if not args.name:
        return [{"name": n} for n in known]
    if args.name not in known:
        raise InputError(
            f"Expected a benchmark among {', '.join(known)}, got {args.name!r}{closest(args.name, known)}."
        )
    script = home() / "benchmarks" / f"{args.name}.py"
    raise SystemExit(subprocess.call([sys.executable, str(script), *args.rest]))


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    from demetar import sweep

    top = _Parser(prog="demetar", description="Equivariant networks, and how equivariant they are.")
    commands = top.add_subparsers(dest="command", required=True, parser_class=_Parser)
    _add_train(commands)
    sweep.add_parser(commands)

    def add(name: str, call: Any, help: str) -> argparse.ArgumentParser:
        p = commands.add_parser(name, help=help)
        p.set_defaults(call=call)
        return p

    add("models", _models, "list the models and the symmetry each claims")
    add("runs", _runs, "list shipped and own runs")
    p = add("measure", _measure, "Δ_EQ of a run on a file")
    p.add_argument("run")
    p.add_argument("file")
    p.add_argument("--group", default="SO(3)")
    p.add_argument("--samples", type=int, default=64)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--dtype", default="float32")
    p = add("evaluate", _evaluate, "error of a run on a split of its data")
    p.add_argument("run")
    p.add_argument("--split", default="test")
    p.add_argument("--size", type=int, default=None)
    p = add("card", _card, "evaluate a run, measure its Δ_EQ and write its CARD.md")
    p.add_argument("run")
    cli_data.add(commands, _Parser)
    p = add("efficiency", _efficiency, "train the data-efficiency experiment, or go on with it")
    p.add_argument("--small", action="store_true", help="nine short runs in about three minutes")
    p.add_argument("--out", help="where the result goes; default: runs/data_efficiency.json")
    p = add("app", _app, "open the explorer; further arguments go to Streamlit")
    p.add_argument("rest", nargs=argparse.REMAINDER)
    p = add("bench", _bench, "list benchmarks, or run one; further arguments go to it")
    p.add_argument("name", nargs="?")
    p.add_argument("rest", nargs=argparse.REMAINDER)
    for name, sub in commands.choices.items():
        if name != "data":  # whose own commands have it
            sub.add_argument(
                "--json", action="store_true", help="one JSON document on standard output"
            )
    return top


def _print(result: Any, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=1))
        return
    for row in result if isinstance(result, list) else [result]:
        print("  ".join(f"{k}: {_short(v)}" for k, v in row.items()))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_short(v)}" for k, v in value.items()) + "}"
    return ", ".join(map(_short, value)) if isinstance(value, list) else str(value)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; 0, or 2 after one sentence on standard error about bad input."""
    try:
        args = parser().parse_args(argv)
        result = args.call(args)
        if not args.json and hasattr(args, "text"):
            print(args.text(result))
        else:
            _print(result, args.json)
    except InputError as error:
        print(f"demetar: {error}".replace("demetar: demetar", "demetar"), file=sys.stderr)
        return 2
    return getattr(args, "exit_code", 0)


if __name__ == "__main__":
    raise SystemExit(main())
