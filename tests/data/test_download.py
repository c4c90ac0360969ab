"""Downloads from a server on this machine: what arrives, and every way in which it does not."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.data import download
from demetar.data.download import blob_id, fetch, reporting
from tests.support.server import Mirror

BODY = np.random.default_rng(0).bytes(1_000_000)


def source_of(body: bytes = BODY, name: str = "data.bin") -> dict:
    return {
        "url": "https://example.invalid/data.bin",
        "file": name,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }


@pytest.fixture
def mirror(mirror: Mirror) -> Mirror:
    mirror.files["set/data.bin"] = BODY
    return mirror


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "set"


def sentence(folder: Path, source: dict | None = None) -> str:
    """What the failed download says; nothing stands in the file's place afterwards."""
    with pytest.raises(InputError) as caught:
        fetch(source or source_of(), folder)
    text = str(caught.value)
    assert "\n" not in text
    assert str(folder / "data.bin") in text, "it says where to put the file by hand"
    assert not (folder / "data.bin").exists()
    return text


def kept(folder: Path) -> int:
    part = folder / ".data.bin.part"
    return part.stat().st_size if part.exists() else 0


def test_a_file_arrives_whole_with_its_progress_and_is_not_asked_for_again(mirror, folder):
    seen = []
    with reporting(lambda done, total: seen.append((done, total))):
        path = fetch(source_of(), folder)
    assert path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert sorted(p.name for p in folder.iterdir()) == ["data.bin"]
    fetch(source_of(), folder)
    assert mirror.asked == [("/set/data.bin", None)]
    assert path.stat().st_mode & 0o044, "others may read it, as any file that is made here"


def test_without_a_mirror_the_own_address_is_asked(folder, monkeypatch):
    monkeypatch.delenv("DEMETAR_MIRROR", raising=False)
    assert download.address(source_of(), folder) == "https://example.invalid/data.bin"


def test_content_pinned_by_git_is_checked(mirror, folder, tmp_path):
    (tmp_path / "same").write_bytes(BODY)
    digest = blob_id(tmp_path / "same")
    asked = subprocess.run(
        ["git", "hash-object", tmp_path / "same"], capture_output=True, text=True, check=True
    )
    assert digest == asked.stdout.strip()
    source = source_of() | {"git": digest, "bytes": 0}
    del source["sha256"]
    assert fetch(source, folder).read_bytes() == BODY
    (folder / "data.bin").unlink()
    text = sentence(folder, source | {"git": "0" * 40})
    assert "checksum" in text
    assert kept(folder) == 0


def test_a_break_is_gone_on_from_within_one_call(mirror, folder):
    mirror.stop_after = 400_000
    assert fetch(source_of(), folder).read_bytes() == BODY
    starts = [asked for _, asked in mirror.asked]
    assert starts == [None, "bytes=400000-", "bytes=800000-"]


def test_truncated_is_said_and_kept_and_the_next_call_goes_on(mirror, folder):
    mirror.stop_after = 100_000
    assert "broke off" in sentence(folder)
    assert kept(folder) == 300_000
    mirror.stop_after = None
    mirror.asked.clear()
    assert fetch(source_of(), folder).read_bytes() == BODY
    assert mirror.asked == [("/set/data.bin", "bytes=300000-")]


def test_a_server_without_range_begins_again(mirror, folder):
    mirror.stop_after = 300_000
    mirror.ranges = False
    assert "broke off" in sentence(folder)
    mirror.stop_after = None
    assert fetch(source_of(), folder).read_bytes() == BODY
    assert mirror.asked[-1] == ("/set/data.bin", "bytes=300000-")


def test_leftovers_longer_than_the_file_are_dropped(mirror, folder):
    folder.mkdir()
    (folder / ".data.bin.part").write_bytes(BODY + b"more")
    assert fetch(source_of(), folder).read_bytes() == BODY


def test_a_complete_leftover_is_only_checked(mirror, folder):
    folder.mkdir()
    (folder / ".data.bin.part").write_bytes(BODY)
    assert fetch(source_of(), folder).read_bytes() == BODY
    assert mirror.asked == []


@pytest.mark.parametrize(
    "wrong", [b"\0" * len(BODY), BODY + b"\0", BODY[:-1], b"<html>log in</html>"]
)
def test_another_content_is_refused_and_removed(mirror, folder, wrong):
    mirror.files["set/data.bin"] = wrong
    assert "checksum" in sentence(folder)
    assert kept(folder) == 0
    assert list(folder.iterdir()) == []
    mirror.files["set/data.bin"] = BODY
    assert fetch(source_of(), folder).read_bytes() == BODY


def test_wrong_beginnings_from_an_earlier_day_do_not_stay(mirror, folder):
    folder.mkdir()
    (folder / ".data.bin.part").write_bytes(b"\0" * 1000)
    assert "checksum" in sentence(folder)
    assert fetch(source_of(), folder).read_bytes() == BODY


def test_a_wrong_file_in_the_place_is_replaced(mirror, folder):
    folder.mkdir()
    (folder / "data.bin").write_bytes(b"old")
    assert fetch(source_of(), folder).read_bytes() == BODY


@pytest.mark.parametrize(
    ("status", "said"), [(404, "404 (no such file)"), (403, "403"), (503, "503")]
)
def test_the_servers_refusal_is_said(mirror, folder, status, said):
    mirror.status = status
    assert said in sentence(folder)


def test_offline_is_said_with_what_to_do(mirror, folder):
    mirror.close()
    text = sentence(folder)
    assert "network" in text
    assert source_of()["sha256"] in text
    (folder / "data.bin").write_bytes(BODY)
    assert fetch(source_of(), folder).read_bytes() == BODY, "put there by hand"


def test_a_silent_server_is_not_waited_for(mirror, folder, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUTS", (1.0, 0.2))
    mirror.stop_after, mirror.gate = 1000, threading.Event()
    assert "in time" in sentence(folder) or "broke off" in sentence(folder)
    mirror.gate.set()


def test_no_room_is_said_before_anything_is_written(mirror, folder):
    mirror.declared = 10**17
    text = sentence(folder, source_of() | {"bytes": 10**17})
    assert "are free there" in text
    assert kept(folder) == 0


def test_a_disk_that_fills_up_is_said(mirror, folder):
    folder.mkdir()
    (folder / ".data.bin.part").symlink_to("/dev/full")  # every write to it finds a full disk
    assert "is full" in sentence(folder)


def test_a_place_that_cannot_be_written_is_said(mirror, tmp_path):
    (tmp_path / "file").write_text("in the way")
    text = sentence(tmp_path / "file" / "set")
    assert "cannot be written" in text
    assert "DEMETAR_DATA" in text


def test_a_read_only_folder_is_said(mirror):
    """/proc takes no new folders, whoever asks (a folder without write permission stops no root)."""
    assert "cannot be written" in sentence(Path("/proc/sys/set"))


def test_two_at_once_do_not_mix(mirror, folder):
    mirror.stop_after, mirror.gate = 200_000, threading.Event()
    first = threading.Thread(target=fetch, args=(source_of(), folder))
    first.start()
    while not kept(folder) and first.is_alive():
        pass
    assert "another process" in sentence(folder)
    mirror.gate.set()
    first.join(30)
    assert (folder / "data.bin").read_bytes() == BODY


PROGRAM = """
import signal, sys, pathlib
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs inherit it ignored
from demetar.core.errors import InputError
from demetar.data.download import fetch, reporting
source = {"url": "https://example.invalid/", "file": "data.bin", "bytes": 1000000, "sha256": sys.argv[1]}
try:
    with reporting(lambda done, total: print(done, flush=True)):
        fetch(source, pathlib.Path(sys.argv[2]))
except InputError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_keeps_what_arrived(mirror, folder, how):
    """A real process is ended in the middle; the next call asks only for the rest."""
    mirror.stop_after, mirror.gate = 524_288, threading.Event()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, source_of()["sha256"], str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ,
    )
    assert process.stdout is not None
    while int(process.stdout.readline()) < 524_288:
        pass
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert "interrupted" in err
        assert "Traceback" not in err
    assert kept(folder) == 524_288
    mirror.stop_after, mirror.asked = None, []
    assert fetch(source_of(), folder).read_bytes() == BODY
    assert mirror.asked == [("/set/data.bin", "bytes=524288-")]
