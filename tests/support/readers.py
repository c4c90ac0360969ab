"""Files that readers are given."""

import io

import ase.build
import ase.io
from hypothesis import HealthCheck, settings

from demetar.core.errors import InputError
from tests.support.structure_files import CIF, MOL, WATER


def written(atoms: ase.Atoms, kind: str) -> bytes:
    text = io.StringIO()
    ase.io.write(text, atoms, format=kind)
    return text.getvalue().encode()


def pdb() -> bytes:
    return written(ase.build.molecule("H2O"), "proteindatabank")


GOOD = {".xyz": WATER, ".extxyz": WATER, ".pdb": pdb(), ".mol": MOL, ".sdf": MOL, ".cif": CIF}


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def attempt(function, data: bytes, name: str):
    """What reading gives, or None when it refuses in one sentence; nothing else may happen."""
    try:
        return function(data, name)
    except InputError as error:
        message = str(error)
    assert "\n" not in message
    assert message.endswith(".")
    return None
