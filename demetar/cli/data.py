"""The `demetar data` commands: list, get, show and make."""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

from demetar.cli.arguments import Parser
from demetar.cli.bar import Amount
from demetar.cli.tables import size, table


def add(_: str, data: Any) -> None:
    """Adds its own commands to the parser of `data`."""
    actions = data.add_subparsers(dest="action", required=True, parser_class=type(data))

    def action(name: str, call: Any, help: str) -> Parser:
        p = actions.add_parser(name, help=help)
        p.add_argument("--json", action="store_true", help="one JSON document on standard output")
        p.set_defaults(call=call)
        return p

    action("list", _list, "the data sets, and which of them are here")
    for name, call, help in (
        ("get", _get, "bring a data set to this machine: downloads, checks and converts it once"),
        ("show", _show, "what a data set is, its licence, units, splits, and its labels' spread"),
    ):
        p = action(name, call, help)
        p.add_argument("name")
        p.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", type=_option)
    make = action("make", _make, "make a labelled set: dynamics of a molecule, frame by frame")
    make.later(_add_make)


def _add_make(p: argparse.ArgumentParser) -> None:
    from demetar.data.making.dynamics import Settings

    p.add_argument("kind", choices=["md"])
    p.add_argument(
        "--out", help="where to write, without an ending; usual: made/ in the data folder"
    )
    for field in dataclasses.fields(Settings):
        needed = field.default is dataclasses.MISSING
        kind = str if needed else type(field.default)
        text = "needed" if needed else f"usual: {field.default!r}"
        usual = None if needed else field.default
        p.add_argument(f"--{field.name}", type=kind, default=usual, required=needed, help=text)


def _make(args: argparse.Namespace) -> Any:
    from demetar.data.making import dynamics

    names = [field.name for field in dataclasses.fields(dynamics.Settings)]
    settings = dynamics.Settings(**{name: getattr(args, name) for name in names})
    dynamics.check(settings)
    out = dynamics.place(settings, Path(args.out) if args.out else None)
    return dynamics.write(dynamics.dynamics(settings, Amount("frames")), settings, out)


def _option(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(
            f"Expected an option as key=value, got {text!r}; write for example molecule=ethanol."
        )
    return key, value


def _list(args: argparse.Namespace) -> Any:
    from demetar.core import registry

    args.text = _list_text
    found = {n: registry.load("datasets", n) for n in registry.names("datasets")}
    return [
        {
            "name": n,
            "title": m.ABOUT.title,
            "bytes": m.ABOUT.size,
            "here": m.present(),
            "targets": list(m.ABOUT.targets),
            "licence": m.ABOUT.licence,
            "citation": m.ABOUT.citation,
        }
        for n, m in found.items()
    ]


def _list_text(rows: list[dict[str, Any]]) -> str:
    cells = [
        (
            row["name"],
            row["title"],
            size(row["bytes"]),
            "yes" if row["here"] else "no",
            ", ".join(row["targets"]),
        )
        for row in rows
    ]
    return table(("data set", "title", "download", "here", "targets"), cells)


def _get(args: argparse.Namespace) -> Any:
    from demetar.core import registry
    from demetar.core.disk import data_root
    from demetar.data import describe, sets
    from demetar.data.download import reporting

    module = registry.load("datasets", args.name)
    options = sets.checked_options(module, dict(args.option))
    begun = time.perf_counter()
    with reporting(Amount()):
        systems = describe.sizes(module, options)
    return {
        "name": args.name,
        "options": options,
        "systems": systems,
        "licence": module.ABOUT.licence,
        "folder": str(data_root() / args.name),
        "seconds": round(time.perf_counter() - begun, 3),
    }


def _show(args: argparse.Namespace) -> Any:
    from demetar.data import describe

    args.text = describe.text
    return describe.describe(args.name, dict(args.option))
