"""A server that compiles for days does not run into the limit of memory mappings."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.live import mappings


def test_mappings_are_counted_against_what_is_allowed(tmp_path: Path) -> None:
    maps, limit = tmp_path / "maps", tmp_path / "limit"
    limit.write_text("100\n")
    maps.write_text("a mapping\n" * 60)
    assert not mappings.crowded(maps, limit)
    maps.write_text("a mapping\n" * 61)
    assert mappings.crowded(maps, limit)
    limit.write_text("unlimited")
    assert not mappings.crowded(maps, limit)
    assert not mappings.crowded(tmp_path / "nothing", limit), "other systems have no such file"


def test_programs_go_whenever_there_are_too_many_until_the_server_ends() -> None:
    ended, gone, full = threading.Event(), [], iter([True, False, True])

    def crowded() -> bool:
        found = next(full, None)
        if found is None:
            ended.set()
        return bool(found)

    mappings.watch(ended, crowded, lambda: gone.append(1), every=0.001)
    assert len(gone) == 2


@pytest.mark.skipif(not mappings.MAPS.exists(), reason="mappings are counted on Linux alone")
def test_letting_go_frees_mappings_and_programs_still_answer() -> None:
    script = """
import gc, jax, jax.numpy as jnp
from app.live import mappings
count = lambda: mappings.MAPS.read_bytes().count(b"\\n")
start = count()
f = jax.jit(lambda x, k: jnp.sin(x) * k, static_argnums=1)
for k in range(40):
    f(jnp.ones(3), k)
held = count() - start
mappings.let_go()
gc.collect()
assert held > 80, held
assert count() - start < held / 2, (held, count() - start)
assert abs(float(f(jnp.ones(3), 2)[0]) - 1.6829) < 1e-3
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
