"""The whole of QM9 against recorded checksums; needs the extra `qm9` (280 MB) and ten seconds.

Its name keeps it out of a plain `pytest`, which runs without that extra. Run it by name:
pytest tests/data/sets/full_qm9.py
"""

import csv
import hashlib
import time
from pathlib import Path

import numpy as np

from demetar.data.sets import _qm9_archive, qm9

SHA256 = {
    "index": "54e3c2872ae88920eb296f5a973cb52c0c571e445ca3d744bfedff5d4722f08c",
    "n_atoms": "388006840f92cd57485e5abd6ee0ce84b19a5743b490a9b182c883ad4d555d1f",
    "z": "12864330fe28f3189ce94a18b379f2c4b1dea95fe2291a1835e6bf52cd032d1b",
    "R": "7dc582107f8efec5e2db5179764bc2ddf26190dcfc8d247753ff149b8e5ce708",
    "q_mulliken": "bd3e9357f633c6982b29a2fb29609d67c56f437154444dc008f5a439edc1c007",
    "y": "3426f90a71a256aa3f0c87600f078e68b0cfd573418adab09abb65cede5250ec",
    "smiles": "7a4c391ab831f1422d3a91d0796e650e2541a70ae922b856c35705656d397528",
}


def assert_published(arrays: dict[str, np.ndarray]) -> None:
    """Molecules found by their U0 have all the values of MoleculeNet's copy of the set, in hartree."""
    names = arrays["y_names"].tolist()
    with (Path(__file__).parent / "qm9_published.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    for row in rows:
        values = {name: float(text) for name, text in row.items() if name != "smiles"}
        found = arrays["y"][np.abs(arrays["y"][:, names.index("U0")] - values["U0"]).argmin()]
        assert {name: found[names.index(name)] for name in values} == values, row["smiles"]


def test_the_whole_of_qm9(tmp_path: Path) -> None:
    arrays = _qm9_archive.arrays(tmp_path)
    assert len(arrays["index"]) == 130_831
    assert len(arrays["z"]) == 2_359_210
    for key, expected in SHA256.items():
        assert hashlib.sha256(np.ascontiguousarray(arrays[key]).tobytes()).hexdigest() == expected
    assert_published(arrays)
    began = time.perf_counter()
    train = qm9.read(tmp_path, "homo")
    assert time.perf_counter() - began < 1.0
    errors = qm9.qm9(train, qm9.read(tmp_path, "homo", "test"))
    assert errors["mean"] < 434.1
    assert 400 < errors["per-element linear"] < 408.2
