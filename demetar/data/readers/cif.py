"""Crystals in CIF, read by ASE within bounds."""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from ase.io.cif import CIFBlock, parse_cif_ase

from demetar.core.errors import InputError
from demetar.data.readers.lines import Frame, check_count, element, fail, shown, two_readings

_SHARED = 0.05  # Å between two sites that are one
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
        raise InputError(
            f"Expected at most {_CIF_LENGTH // 10**6} MB of CIF, got more; cut it down."
        )


def _element_of(site: str) -> str:
    """The element that a type symbol or a label says, as ASE reads it; the text itself if none."""
    letters = (re.match(r"[A-Za-z]*", site) or [""])[0]
    if re.fullmatch("[OH][wW]", letters):  # of water
        return letters[0]
    try:
        return chemical_symbols[element(f"{letters}1" if letters != site else letters, 0)]
    except InputError as error:
        if two_readings(letters):
            raise InputError(
                f"Expected the element of the site {shown(site)} as _atom_site_type_symbol, got only a "
                "label that may be either of two; add the column."
            ) from error
        return site


def _column(block: CIFBlock, *keys: str) -> list[Any]:
    """The first of these columns that the block has; empty without any."""
    for key in keys:
        found = block.get(key)
        if found is not None:
            return found if isinstance(found, list) else [found]
    return []


def _check_whole(block: CIFBlock, names: list[str]) -> None:
    """Refuse sites that an atom only shares: partly occupied, or of a disorder with alternatives."""
    occupied = _column(block, "_atom_site_occupancy")
    for name, value in zip(names, occupied, strict=False):
        if not isinstance(value, str) and not abs(value - 1) < 1e-3:
            raise InputError(
                f"Expected every site of the crystal to be one whole atom, got an occupancy of "
                f"{value:g} at {shown(name)}; choose one of its alternatives and write that alone."
            )
    groups = map(str, _column(block, "_atom_site_disorder_group"))
    alternatives = sorted(set(groups) - {".", "?", "0"})
    if len(alternatives) > 1:
        raise InputError(
            f"Expected one structure, got the alternatives {shown(', '.join(alternatives))} of a "
            "disorder; choose one and write that alone."
        )


def _check_shared(names: list[str], symbols: list[str], block: CIFBlock, cell: np.ndarray) -> None:
    """Refuse two elements at one place, also where only the space group brings them together."""
    kind, coordinates = block._get_site_coordinates()
    if kind != "scaled" or len(set(symbols)) < 2:
        return
    x = np.asarray(coordinates, np.float64)
    other = np.array(symbols)[:, None] != np.array(symbols)[None]
    for rotation, shift in block.get_spacegroup(True).get_symop():
        apart = (x @ rotation.T + shift)[:, None] - x[None]
        apart = np.linalg.norm((apart - np.round(apart)) @ cell, axis=-1)
        if (apart[other] < _SHARED).any():
            i, j = sorted(np.argwhere((apart < _SHARED) & other)[0])
            raise InputError(
                f"Expected one element at a site, got {shown(names[i])} and {shown(names[j])} at one "
                "place; choose one of them and write that alone."
            )


def _cif_frame(block: CIFBlock) -> Frame:
    sites = check_count(len(block.get_symbols()))
    typed, named = "_atom_site_type_symbol", "_atom_site_label"
    labels = [str(label) for label in _column(block, named, typed)]
    symbols = [_element_of(str(site)) for site in _column(block, typed, named)]
    _check_whole(block, labels)
    if block.get_cell().rank == 3:
        images = sites * len(block.get_spacegroup(True).get_symop())
        if images > _CIF_SITE_IMAGES:
            check_count(images)
        _check_shared(labels, symbols, block, np.array(block.get_cell()))
    tags: dict[str, Any] = {k: v for k, v in block.items() if k != "_atom_site_occupancy"}
    tags[typed] = symbols
    atoms = CIFBlock(block.name, tags).get_atoms()
    cell = np.array(atoms.cell) if atoms.cell.rank == 3 else None
    return Frame(atoms.numbers.tolist(), atoms.positions.tolist(), cell)


def _next(blocks: Iterator[CIFBlock]) -> Frame | None:
    """The next block's structure; None at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # What ASE warns of and then leaves out: rows of another length, columns given twice.
        warnings.filterwarnings("error", message="Wrong number|Duplicated loop")
        try:
            return next((_cif_frame(block) for block in blocks if block.has_structure()), None)
        except InputError:
            raise
        except Exception as error:  # ASE's parser raises whatever comes
            said = shown(str(error) or type(error).__name__)
            raise InputError(
                f"Expected a CIF file with a cell and atom sites, got {said} while reading it; "
                "write it again from the program that made it."
            ) from None


def parse_cif(lines: Sequence[str]) -> Iterator[Frame]:
    """Frames (data blocks) of a CIF file, with the space group's images of each site."""
    _check_cif(lines)
    blocks = parse_cif_ase(io.StringIO("\n".join(lines)))
    while (frame := _next(blocks)) is not None:
        yield frame
