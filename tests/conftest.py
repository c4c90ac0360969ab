"""What all tests share: quick compilations, one thread for BLAS, and two small systems.

The persistent compilation cache is the library's own: $DEMETAR_CACHE moves or empties it, and a
machine that keeps that folder between runs compiles nothing twice.
"""

import contextlib
import gc
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# All reach the programs that tests start, too, and a user's choice goes before. Measured on one comparison
# (segnn, float32): 1.2 s of a core to compile; 3.6 with fused loops emitted the newer way, 4.0 with one
# level of optimisation. In one part instead of up to 32, which are for idle cores: 15 to 25 % less (three
# runs, both precisions). They change how machine code is made, not the operations; what an installed copy
# does without them is seen by tests/test_packaging.py.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)
# Threads of OpenBLAS wait for each other by spinning: with as many busy processes as cores a QR of
# 128 x 128 took 82 ms of a core, and 0.9 with one thread.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import ase.build
import jax
import numpy as np
import pytest

from tests.support import axes, sharing

if os.environ.get("DEMETAR_TYPES", "1") != "0":  # before the library is imported
    axes.install()

from demetar.core.disk import data_root
from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_arrays, from_atoms
from tests.support.server import Mirror

TESTS = itertools.count(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest rooms first where several workers share the tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=sharing.rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hands tests out by the groups of tests/support/sharing.py."""
    return sharing.Sharing(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported and collected stays: the collector need not walk it again and again.

    Tracing makes tuples by the million and few circles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


# Whoever starts the tests in the background may have these ignored; what tests begin would inherit it.
for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)


@pytest.fixture(autouse=True)
def few_mappings() -> Iterator[None]:
    """Lets compiled programs go before a process holds more memory mappings than Linux allows.

    Every program keeps several mapped; at vm.max_map_count, 65,530 by default, the compiler ends the
    process with a segmentation fault, as it did after some 700 tests in one process. To count them
    takes 33 ms where there are 30,000: once in sixteen tests, which make far fewer than are left.
    """
    yield
    maps = Path("/proc/self/maps")
    if next(TESTS) % 16 == 0 and maps.exists() and maps.read_bytes().count(b"\n") > 30_000:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(scope="session")
def scene() -> Graph:
    """Five charged bodies with velocities, all pairs joined."""
    rng = np.random.default_rng(0)
    return from_arrays(
        rng.normal(size=(5, 3)),
        velocities=rng.normal(size=(5, 3)),
        charges=np.array([1.0, -1, 1, 1, -1]),
    )


@pytest.fixture(scope="session")
def molecule() -> Graph:
    """Ethanol without its mirror plane, so that no symmetry of its own hides an error."""
    atoms = ase.build.molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=1)
    return from_atoms(atoms)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project folder as $DEMETAR_HOME; processes begun in it are ended afterwards."""
    from app.jobs import efficiency, queue, runs, training

    monkeypatch.setenv("DEMETAR_NICENESS", "0")  # nothing here has to answer first
    monkeypatch.setenv("DEMETAR_DATA", str(data_root().resolve()))
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    yield tmp_path
    for job in queue.waiting():  # or they begin when the others end
        queue.remove(job.name)
    efficiency.stop()
    for job in runs.list_all():
        if job.live:
            with contextlib.suppress(InputError):
                training.stop(job.name)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A server on this machine to which downloads are sent instead of the published addresses."""
    served = Mirror()
    monkeypatch.setenv("DEMETAR_MIRROR", served.url)
    yield served
    served.close()


def write_small_runs(folder: Path) -> Path:
    """The folder, with untrained small runs in it: one that turns and one that does not, per data set."""
    from demetar.runs import run
    from demetar.runs.config import Config, resolve
    from demetar.runs.folder import save

    small = {"width": 16, "layers": 2}
    for dataset, target in (("nbody", ""), ("qm9", "homo")):
        for model in ("egnn", "set_transformer"):
            config = Config(model=model, dataset=dataset, target=target, model_config=small)
            _, stored = resolve(config)
            made = run.Run(stored["name"], stored, None)
            save(folder / "trained" / made.name, stored, run.template(made))
    return folder


@pytest.fixture
def small_runs(home: Path) -> Path:
    """The test's own project folder with small runs in it."""
    return write_small_runs(home)


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with small runs, shared by tests that only read it."""
    return write_small_runs(tmp_path_factory.mktemp("home"))


@pytest.fixture
def open_page(home: Path) -> Callable[..., Any]:
    """open_page("nbody", run="x") -> the page at that address, drawn until nothing is compiling."""
    from streamlit.testing.v1 import AppTest

    from tests.support.pages import settled

    def open_page(name: str, **address: str) -> Any:
        script = f"from app import pages\npages.navigate({name!r})\n"
        page = AppTest.from_string(script, default_timeout=120)
        for key, value in address.items():
            page.query_params[key] = value
        page.run()
        return settled(page)

    return open_page
