"""Commands that compute ask for large pages, once, and only where there is something to gain."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demetar.cli import command, huge_pages

PROGRAM = (
    "import os, sys; from demetar.cli import huge_pages; huge_pages.restart();"
    "print(os.getpid(), os.environ.get('GLIBC_TUNABLES'), sys.argv)"
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One where large pages are for those who ask; gives the file that says so."""
    rule = tmp_path / "enabled"
    rule.write_text("always [madvise] never\n")
    monkeypatch.setattr(huge_pages, "RULE", rule)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "confstr", lambda name: "glibc 2.36", raising=False)
    monkeypatch.delenv(huge_pages.TUNABLES, raising=False)
    return rule


def test_they_are_wanted_where_they_are_to_be_had(machine: Path) -> None:
    assert huge_pages.wanted()


@pytest.mark.parametrize("rule", ["[always] madvise never\n", "always madvise [never]\n", ""])
def test_the_rule_of_the_system_is_left_alone(machine: Path, rule: str) -> None:
    machine.write_text(rule)
    assert not huge_pages.wanted()
    machine.unlink()
    assert not huge_pages.wanted()


@pytest.mark.parametrize("library", ["glibc 2.34", "musl 1.2", "", "glibc", "glibc two"])
def test_other_libraries_are_left_alone(
    machine: Path, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "confstr", lambda name: library)
    assert not huge_pages.wanted()


def test_a_users_word_and_other_systems_stand(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(huge_pages.TUNABLES, "glibc.malloc.hugetlb=0")
    assert not huge_pages.wanted()
    monkeypatch.delenv(huge_pages.TUNABLES)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not huge_pages.wanted()


@pytest.mark.skipif(not huge_pages.wanted(), reason="this system offers no large pages on request")
@pytest.mark.parametrize("given", [None, "glibc.malloc.arena_max=1"])
def test_a_program_begins_anew_once_under_its_own_number(given: str | None) -> None:
    environment = {k: v for k, v in os.environ.items() if k != huge_pages.TUNABLES}
    environment |= {} if given is None else {huge_pages.TUNABLES: given}
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "train", "a b"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = child.communicate()
    kept = "" if given is None else f"{given}:"
    assert said == f"{child.pid} {kept}glibc.malloc.hugetlb=1 ['-c', 'train', 'a b']\n"


def test_only_commands_that_compute_begin_anew_and_no_caller_does(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    begun = []
    monkeypatch.setattr(os, "execve", lambda *a: begun.append(a))
    for words in (["models"], ["train", "--epochs", "none"]):
        monkeypatch.setattr(sys, "argv", ["demetar", *words])
        monkeypatch.setattr(sys, "orig_argv", [sys.executable, "/bin/demetar", *words])
        command.main()
    (call,) = begun
    assert call[1][1:] == ["/bin/demetar", "train", "--epochs", "none"]
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-m", "pytest"])
    command.main()
    command.main(["train", "--epochs", "none"])
    assert len(begun) == 1
    monkeypatch.setattr(os, "execve", lambda *a: (_ for _ in ()).throw(PermissionError()))
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "/bin/demetar", *words])
    assert command.main() == 2, "it goes on as it is, to the sentence on --epochs"
