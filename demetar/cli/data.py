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

JSON = "one JSON document on standard output"


def add(_: str, data: Any) -> None:
    """Adds its own commands to the parser of `data`."""
    actions = data.add_subparsers(dest="action", required=True, parser_class=type(data))

    def action(name: str, call: Any, help: str) -> Parser:
        p = actions.add_parser(name, help=help)
        p.add_argument("--json", action="store_true", help=JSON)
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
    make = action("make", _make, "make labelled data: dynamics, electron densities, Hamiltonians")
    make.later(_add_make)


def _add_make(p: argparse.ArgumentParser) -> None:
    from demetar.data.making import dynamics, electrons

    kinds = p.add_subparsers(dest="kind", required=True, parser_class=type(p))

    def kind(name: str, call: Any, settings: Any, help: str, out: str) -> None:
        made = kinds.add_parser(name, help=help)
        made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=JSON)
        made.add_argument("--out", help=out)
        made.set_defaults(call=call)
        for field in dataclasses.fields(settings):
            needed = field.default is dataclasses.MISSING
            usual = None if needed else field.default
            text = "needed" if needed else f"usual: {field.default!r}"
            type_of = str if needed else type(field.default)
            made.add_argument(
                f"--{field.name}", type=type_of, default=usual, required=needed, help=text
            )

    place = "where to write, without an ending; usual: made/ in the data folder"
    kind("md", _make, dynamics.Settings, "dynamics of a molecule, frame by frame", place)
    for name in electrons.MADE:
        text, place = f"the lesson's {name}s by PySCF", "the folder; usual: data/samples"
        kind(name, _make_electrons, electrons.Making, text, place)


def _make(args: argparse.Namespace) -> Any:
    from demetar.data.making import dynamics

    names = [field.name for field in dataclasses.fields(dynamics.Settings)]
    settings = dynamics.Settings(**{name: getattr(args, name) for name in names})
    dynamics.check(settings)
    out = dynamics.place(settings, Path(args.out) if args.out else None)
    return dynamics.write(dynamics.dynamics(settings, Amount("frames")), settings, out)


def _make_electrons(args: argparse.Namespace) -> Any:
    from demetar.data.making import electrons

    settings = electrons.Making(args.seed, args.most)
    folder = Path(args.out) if args.out else None
    return electrons.write(args.kind, settings, folder, Amount("geometries"))


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
