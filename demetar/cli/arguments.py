"""The parser of a command whose errors are sentences: what was expected, what came, what to do."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from demetar.core.errors import InputError, quoted, reason
from demetar.core.registry import closest, unknown

NOUNS = {"int": "a whole number", "float": "a number", "str": "a text", "Path": "a path"}


class Parser(argparse.ArgumentParser):
    """An argument parser that takes no abbreviations and raises InputError.

    What it does not know it names itself, so that a command can say which of its flags is the closest.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, allow_abbrev=False, **named)
        self._fill: Callable[[Parser], None] | None = None
        self._passing = False

    def later(self, fill: Callable[[Parser], None]) -> None:
        """Lets `fill` add the arguments when they are needed."""
        self._fill = fill

    def passes_on(self, **defaults: Any) -> None:
        """Makes this the parser of a command that hands all its arguments on, as `rest`."""
        self._passing = True
        self.set_defaults(**defaults)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, but nothing is left over."""
        if self._fill is not None:
            fill, self._fill = self._fill, None
            fill(self)
        if self._passing and list(args)[:1] not in (["-h"], ["--help"]):
            return argparse.Namespace(**self._defaults, rest=list(args)), []
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            raise self._strange(rest)
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Raises the sentence that this message of argparse stands for."""
        for pattern, say in SENTENCES:
            if match := re.fullmatch(pattern, message, re.DOTALL):
                raise InputError(say(self, match))
        raise InputError(
            f"Expected arguments of {self.prog}, got {reason(message)}; see {self.prog} --help."
        )

    def _strange(self, rest: Sequence[str]) -> InputError:
        flags = [flag for flag in self._option_string_actions if flag.startswith("--")]
        given = next((text for text in rest if text.startswith("-")), None)
        if given is None:
            return InputError(
                f"Expected nothing more for {self.prog}, got {quoted(rest[0])}; leave it out or see "
                f"{self.prog} --help."
            )
        flag = given.partition("=")[0]
        hint = closest(flag, flags, f"see {self.prog} --help")
        return InputError(f"Expected a flag of {self.prog}, got {quoted(flag)}{hint}")


def _required(parser: Parser, match: re.Match[str]) -> str:
    return f"Expected {match[1]} for {parser.prog}, got none; see {parser.prog} --help."


def _choice(parser: Parser, match: re.Match[str]) -> str:
    name, given = match[1], match[2]
    action = next((a for a in parser._actions if name in _names(a)), None)
    known = [str(choice) for choice in (action and action.choices) or ()]
    article = "" if name.startswith("-") else "an " if name[0] in "aeiou" else "a "
    return str(unknown(f"{article}{name}", known, given))


def _names(action: argparse.Action) -> set[str]:
    return {"/".join(action.option_strings), str(action.dest), str(action.metavar)}


def _value(_: Parser, match: re.Match[str]) -> str:
    noun = NOUNS.get(match[2], "another value")
    return f"Expected {noun} for {match[1]}, got {quoted(match[3])}; correct it."


def _without(_: Parser, match: re.Match[str]) -> str:
    return (
        f"Expected a value for {match[1]}, got none; write {match[1]}=… if it begins with a dash."
    )


def _explicit(_: Parser, match: re.Match[str]) -> str:
    return f"Expected no value for {match[1]}, got {quoted(match[2])}; leave it out."


# What argparse says -> the sentence. A message of another version is told in its own words.
SENTENCES: tuple[tuple[str, Callable[[Parser, re.Match[str]], str]], ...] = (
    (r"argument \S+: (Expected .*)", lambda _, match: match[1]),
    (r"the following arguments are required: (.*)", _required),
    (r"argument (\S+): invalid choice: '(.*)' \(.*\)", _choice),
    (r"argument (\S+): invalid (\w+) value: '(.*)'", _value),
    (r"argument (\S+): expected (?:one argument|at least one argument|\d+ arguments?)", _without),
    (r"argument (\S+): ignored explicit argument '(.*)'", _explicit),
)


def sentence_of(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same `type` of an argument, whose InputError argparse passes on word by word."""

    def checked(text: str) -> Any:
        try:
            return kind(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


def setting(text: str) -> tuple[str, Any]:
    """A key and its value, of "key=value": the value as JSON reads it, or the word itself."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(
            f"Expected a setting as key=value, got {text!r}; write for example width=128."
        )
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
