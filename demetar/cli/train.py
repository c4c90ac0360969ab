"""The command `train`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
from pathlib import Path
from typing import Any

from demetar.cli.arguments import sentence_of, setting
from demetar.cli.bar import Steps
from demetar.cli.terminal import say
from demetar.core.disk import parsed
from demetar.core.errors import InputError, quoted


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
            p.add_argument(flag, nargs="+", type=setting, metavar="KEY=VALUE", default=None)
        elif field.name == "learning_rates":
            p.add_argument(flag, nargs="+", type=float, metavar="RATE", default=None)
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
    from demetar.core.disk import content, home
    from demetar.runs.config import Config, resolve
    from demetar.training import fit, mirrors

    given = _given(args)
    config, _ = resolve(Config(**given))
    folder = home() / "runs" / config.name
    if args.resume:
        _same(given, content(folder / "config.json"), config.name)
    told, stop = mirrors.create(args.mirror, folder), fit.Stop()
    folder = fit.fit(config, args.resume, Steps(), told, stop)
    say("")
    status = parsed(folder / "status.json")
    if status.get("state") == "stopped":
        args.exit_code = 128 + (stop.number or signal.SIGINT)
        say(
            f"demetar: Expected to train to the end, got {signal.Signals(args.exit_code - 128).name}; "
            f"go on with: demetar train --resume --name {config.name}."
        )
    return {"folder": str(folder), "status": status}


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """The settings of the file, and those of the flags over them, each of its own type."""
    from demetar.runs.config import Config, check_type

    given = {}
    if args.config:
        given = parsed(Path(args.config))
        if not isinstance(given, dict):
            raise InputError(
                f"Expected a table of settings in {args.config}, got {quoted(given)}; correct it."
            )
        for key, value in given.items():
            check_type(key, value, f" in {args.config}")
    names = {f.name for f in dataclasses.fields(Config)}
    flags = {k: v for k, v in vars(args).items() if k in names and v is not None}
    for key in ("model_config", "data_options"):
        if key in flags:
            flags[key] = dict(flags[key])
    return {**given, **flags}


def _same(given: dict[str, Any], stored: dict[str, Any], name: str) -> None:
    """Raises InputError where a run that goes on is asked for settings other than its own."""
    for key, value in given.items():
        own = stored.get(key)
        if isinstance(value, dict) and isinstance(own, dict):
            inner = json.loads(json.dumps(value))
            other = any(str(own.get(k)) != str(v) for k, v in inner.items())
        else:
            other = own != value
        if (
            stored and other and value not in ("", None) and key != "name"
        ):  # a folder may be renamed
            raise InputError(
                f"Expected the settings that the run {name} was begun with, got {key} {quoted(value)} "
                f"in place of {quoted(own)}; leave it out, or begin a new run."
            )
