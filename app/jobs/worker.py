"""The process of one run begun by the explorer: trains it, then lets the next in the queue begin."""

import sys

from app.jobs import training
from demetar.cli import main

if __name__ == "__main__":
    code = main(["train", *sys.argv[1:]])
    training.advance()
    raise SystemExit(code)
