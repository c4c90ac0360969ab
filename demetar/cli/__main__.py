"""Runs the command: `python -m demetar.cli`."""

from demetar.cli import main

raise SystemExit(main())
