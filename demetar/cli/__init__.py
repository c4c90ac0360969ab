"""The `demetar` command, one file a group of commands."""

from demetar.cli.command import main

__all__ = ["main"]
