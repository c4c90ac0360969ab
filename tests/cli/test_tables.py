"""What lists print for a person: aligned columns under short titles, and JSON as before."""

import json
import os
import subprocess
import sys

import pytest

from demetar.cli import main
from demetar.cli.tables import size, table


@pytest.mark.parametrize(
    ("command", "titles", "row"),
    [
        (["models"], ["model", "title", "symmetry", "reference"], ["egnn", "EGNN", "E(3) x S_n"]),
        (["runs"], ["run", "model", "data set", "target"], ["egnn-nbody", "egnn", "nbody"]),
        (
            ["data", "list"],
            ["data set", "title", "download", "here", "targets"],
            ["rmd17", "rMD17", "1.1 GB"],
        ),
    ],
)
def test_lists_are_tables_whose_cells_begin_under_their_titles(
    small_home, monkeypatch, capsys, command, titles, row
):
    monkeypatch.setenv("DEMETAR_HOME", str(small_home))
    assert main(command) == 0
    head, *lines = capsys.readouterr().out.rstrip("\n").split("\n")
    starts = [head.index(title) for title in titles]
    assert starts == sorted(starts)
    assert head.split("  ")[0] == titles[0]
    assert [line for line in lines if ": " in line[: starts[-1]]] == []
    for line in lines:
        assert all(line[at] != " " and line[at - 2 : at] == "  " for at in starts[1:]), line
    (found,) = [line for line in lines if line.startswith(row[0] + " ")]
    ends = [*starts[1:], None]
    cells = [found[a:b].strip() for a, b in zip(starts, ends)]
    assert cells[: len(row)] == row
    assert main([*command, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(lines)


def test_a_narrow_terminal_gets_lines_that_end_and_a_pipe_gets_them_whole(monkeypatch):
    rows = [("a", "b" * 100), ("cc", "d")]
    assert table(("x", "title"), rows).split("\n") == ["x   title", f"a   {'b' * 100}", "cc  d"]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((20, 24)))
    assert table(("x", "title"), rows).split("\n") == ["x   title", f"a   {'b' * 15}…", "cc  d"]


def test_a_reader_who_leaves_early_causes_no_traceback():
    begun = subprocess.Popen(
        [sys.executable, "-m", "demetar.cli", "runs"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert begun.stdout is not None
    begun.stdout.close()
    assert begun.communicate()[1].split(b"\r")[-1] == b"", "but for the word that it is at work"


def test_sizes_are_read_at_a_glance():
    given = [0, 1, 20_904_896, 104_000_000, 1_066_301_513]
    assert [size(n) for n in given] == ["–", "0.1 MB", "20.9 MB", "104 MB", "1.1 GB"]
