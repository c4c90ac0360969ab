"""Crystals in CIF, read by ASE within bounds."""

import io
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from ase.io.cif import CIFBlock, parse_cif_ase

from demetar.core.errors import InputError
from demetar.data.readers.lines import MAX_FRAMES, Frame, check_count, fail, shown

_CIF_LENGTH, _CIF_LINE_LENGTH, _CIF_SITE_IMAGES = 2_000_000, 2_048, 20_000


def _check_cif(lines: Sequence[str]) -> None:
    """Refuse what would cost ASE's parser much: much text, long lines, many atom sites."""
    sites = False
    count = 0
    for number, line in enumerate(lines, 1):
        word = line.strip().lower()
        if word.startswith("_"):
            sites = word.startswith(("_atom_site_", "_atom_site."))
            count = 0
        elif word.startswith(("loop_", "data_")) or not word:
            sites = False
        elif sites:
            count += 1
            check_count(count)
        if len(line) > _CIF_LINE_LENGTH:
            raise fail(number, f"at most {_CIF_LINE_LENGTH} characters", str(len(line)))
    if sum(map(len, lines)) > _CIF_LENGTH:
        raise InputError(f"A CIF file may have at most {_CIF_LENGTH // 10**6} MB; cut it down.")


def _cif_frame(block: CIFBlock) -> Frame:
    sites = check_count(len(block.get_symbols()))
    if block.get_cell().rank == 3:
        images = sites * len(block.get_spacegroup(True).get_symop())
        if images > _CIF_SITE_IMAGES:
            check_count(images)
    atoms = block.get_atoms()
    cell = np.array(atoms.cell) if atoms.cell.rank == 3 else None
    return Frame(atoms.numbers.tolist(), atoms.positions.tolist(), cell)


def parse_cif(lines: Sequence[str]) -> Iterator[Frame]:
    """Frames (data blocks) of a CIF file, with the space group's images of each site."""
    _check_cif(lines)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            blocks = parse_cif_ase(io.StringIO("\n".join(lines)))
            structures = islice((b for b in blocks if b.has_structure()), MAX_FRAMES + 1)
            return iter([_cif_frame(block) for block in structures])
        except InputError:
            raise
        except Exception as error:  # ASE's parser raises whatever comes
            said = shown(str(error) or type(error).__name__)
            raise InputError(
                f"The file must be CIF with a cell and atom sites, but reading it gave {said}; "
                "write it again from the program that made it."
            ) from None
