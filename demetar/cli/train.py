"""The command `train`."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from demetar.cli.arguments import sentence_of
from demetar.cli.bar import Steps
from demetar.cli.terminal import say
from demetar.core.errors import InputError, reason


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


def add(_: str, p: argparse.ArgumentParser) -> None:
    """Adds the arguments of `train` to its parser."""
    from demetar.runs.config import Config, connect_setting

    p.add_argument("--config", help="JSON file of settings; flags override it")
    p.add_argument("--resume", action="store_true", help="go on with the run of that name")
    mirror = "tensorboard, mlflow or wandb hears of the run too; may be given several times"
    p.add_argument("--mirror", action="append", default=[], metavar="NAME", help=mirror)
    for field in dataclasses.fields(Config):
        flag = "--" + field.name.replace("_", "-")
        if field.name in ("model_config", "data_options"):
            p.add_argument(flag, nargs="*", type=_setting, metavar="KEY=VALUE", default=None)
        elif field.name == "learning_rates":
            p.add_argument(flag, nargs="*", type=float, metavar="RATE", default=None)
        elif isinstance(field.default, bool):
            p.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            kind = int if field.default is None else type(field.default)
            kind = sentence_of(connect_setting) if field.name == "connect" else kind
            p.add_argument(flag, type=kind, default=None, help=f"default: {field.default!r}")
    several = p.add_argument_group("several processes", "each on its own host, or all on one")
    several.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 listens")
    several.add_argument("--processes", type=int, default=1, metavar="N")
    several.add_argument("--process", type=int, default=0, metavar="I", help="0 to N - 1")
    p.set_defaults(call=_train)


def _train(args: argparse.Namespace) -> Any:
    if args.coordinator or args.processes != 1:
        from demetar.training import devices

        devices.join(args.coordinator or "", args.processes, args.process)
    from demetar.core.disk import home
    from demetar.runs.config import Config, resolve
    from demetar.training import mirrors
    from demetar.training.fit import fit

    names = {f.name for f in dataclasses.fields(Config)}
    given = {}
    if args.config:
        try:
            given = json.loads(Path(args.config).read_text())
        except (OSError, ValueError) as error:
            raise InputError(
                f"Expected a JSON file of settings at {args.config}, got {reason(error)}; "
                "correct it."
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
    folder = fit(config, args.resume, Steps(), told)
    say("")
    return {"folder": str(folder), "status": json.loads((folder / "status.json").read_text())}
