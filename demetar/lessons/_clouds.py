"""Point clouds through trained autoencoders: Tetris shapes, heavy atoms of molecules; codes in a plane."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from scipy.spatial.transform import Rotation

from demetar.core.disk import content
from demetar.core.graph import from_arrays
from demetar.core.padding import batch
from demetar.data import samples
from demetar.data.sets import clouds, points
from demetar.lessons._apart import apart
from demetar.lessons._trained import place
from demetar.lessons.irreps import Quaternion
from demetar.models.autoencoder import CODE, FRAME
from demetar.runs.run import Run, load
from demetar.symmetry.elements import Elements
from demetar.symmetry.equivariance import Measurement, measure

SHAPES = tuple(points.TETRIS)
MOLECULES = ("uracil", "glycerol", "acetone", "urea", "pyridine", "toluene")
SHAKES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
SHIFT = np.array([0.5, -1.0, 2.0])
RUN, PLAIN_RUN = "autoencoder-clouds", "autoencoder-clouds-plain"
MOLECULES_RUN = "autoencoder-clouds-molecules"
AT_ONCE = 100  # clouds of a batch
FEWEST, MOST = 5, 9  # heavy atoms of the molecules whose codes are shown


def in_plane(codes: np.ndarray, classes: np.ndarray) -> dict[str, Any]:
    """Codes in units of their spread, in the plane where they differ most; is the "nearest" one alike?"""
    centred = (codes - codes.mean(0)) / codes.std(0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    far = ((centred[:, None] - centred) ** 2).sum(-1) + np.diag(np.full(len(codes), np.inf))
    return {
        "places": centred @ directions[:2].T,
        "classes": classes,
        "share": float((sizes[:2] ** 2).sum() / (sizes**2).sum()),
        "nearest": float((classes[far.argmin(1)] == classes).mean()),
    }


@functools.cache
def _run(name: str) -> Run:
    return load(place(name))


@functools.cache
def _heavy(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Places [n, 3] and charges [n] of a stored molecule's atoms without hydrogens."""
    atoms = samples.load(name)
    assert isinstance(atoms, Atoms), "a molecule's name"
    kept = clouds.heavy(atoms.numbers)
    return atoms.positions[kept], atoms.numbers[kept] / clouds.CARBON


def given(name: str, seed: int, amount: float) -> tuple[np.ndarray, np.ndarray]:
    """Places [n, 3] and charges [n] of a shape or of a molecule, shaken by N(0, amount²)."""
    if name in SHAPES:
        return clouds.shaken(name, seed, amount), np.ones(len(points.read()[name]))
    x, charges = _heavy(name)
    return x + amount * np.random.default_rng(seed).normal(size=x.shape), charges


def _measured(run: str, x: np.ndarray, charges: np.ndarray, matrix: np.ndarray) -> Measurement:
    """The run at x and at x turned by a matrix, shifted and renumbered, in float64."""
    order = np.roll(np.arange(len(x)), 1)[None]
    g = Elements(matrix[None], SHIFT[None], order)
    graph = from_arrays(x, charges=charges)
    return measure(_run(run), graph, elements=g, dtype="float64", rebuild=False)


def _layer(found: Measurement, name: str, nodes: int = 0) -> np.ndarray:
    """The first feature of a layer of f(x): [2l+1, channels] of the first node, or rows of so many."""
    layer = next(layer for layer in found.trace if layer.name == name)
    values = np.asarray(layer.features[0].values)
    return values[:nodes, 0] if nodes else values[0]


def cloud(name: str, shake: float, seed: int, g: Quaternion) -> dict[str, Any]:
    """A shape or molecule and its copy after g (turned, shifted, renumbered) through the autoencoder.

    Clouds [n, 3] about their centroids, in the order of x: "x", "canonical", "x̂(x)", "g·x", "x̂(g·x)" and
    "g·x̂(x)". Errors as in `digit`: "code", "frame", "rebuilt", "without ψ"; "missed" is the root
    mean square distance of x̂ from x, "mirror" how far the mirror image's code is; "volume" is det R, 1 for
    a whole frame.
    """
    x, charges = given(name, seed, shake)
    run = RUN if name in SHAPES else MOLECULES_RUN
    matrix = Rotation.from_quat(g).as_matrix()
    found = _measured(run, x, charges, matrix)
    layers = {layer.name: layer.features for layer in found.layers}
    frame, middle = _layer(found, FRAME), x.mean(0)
    assert found.elements.permutation is not None
    back = np.argsort(found.elements.permutation[0])
    made = found.prediction["positions"] - middle
    canonical = _layer(found, "canonical", len(x))
    moved, after = (
        rows["positions"][0][back] - matrix @ middle - SHIFT
        for rows in (found.move_then_predict, found.predict_then_move)
    )
    mirrored = _measured(run, -x, charges, np.eye(3))
    code = _layer(found, CODE)[0]
    return {
        "x": x - middle,
        "canonical": canonical,
        "x̂(x)": made,
        "g·x": (x - middle) @ matrix.T,
        "x̂(g·x)": moved,
        "g·x̂(x)": after,
        "code": float(layers[CODE]["0e"][0]),
        "frame": float(layers[FRAME]["1o"][0]),
        "rebuilt": float(found.classic["positions"][0]),
        "without ψ": apart(canonical, canonical @ matrix.T),
        "missed": float(np.sqrt(((made - x + middle) ** 2).sum(1).mean())),
        "mirror": apart(_layer(mirrored, CODE)[0], code),
        "volume": float(np.linalg.det(frame)),
    }


def plain_cloud(name: str, shake: float, seed: int, g: Quaternion) -> float:
    """Error of x̂(g·x) = g·x̂(x) of the plain run, as "rebuilt" of `cloud`."""
    matrix = Rotation.from_quat(g).as_matrix()
    found = _measured(PLAIN_RUN, *given(name, seed, shake), matrix)
    return float(found.classic["positions"][0])


def by_shake(name: str, seed: int) -> dict[str, np.ndarray]:
    """At SHAKES: the "volume" of the frame and what is "missed", over the shape's own size."""
    found = [cloud(name, shake, seed, (0.0, 0.0, 0.0, 1.0)) for shake in SHAKES]
    sizes = [np.sqrt((f["x"] ** 2).sum(1).mean()) for f in found]
    return {
        "det R": np.array([f["volume"] for f in found]),
        "missed": np.array([f["missed"] / size for f, size in zip(found, sizes)]),
    }


@functools.cache
def shapes_latent(each: int = 12) -> dict[str, Any]:
    """Codes of shaken shapes in a plane: "places" [n, 2], "classes" [n], "share", "nearest"."""
    names = np.repeat(np.arange(len(SHAPES)), each)
    found = [given(SHAPES[k], 100 + i, clouds.SHAKEN) for i, k in enumerate(names)]
    return in_plane(_codes(RUN, found), names)


@functools.cache
def molecules_latent() -> dict[str, Any]:
    """Codes of the stored molecules of five to nine heavy atoms in a plane, by that number less five."""
    found = [given(name, 0, 0.0) for name in samples.names("molecules")]
    found = [pair for pair in found if FEWEST <= len(pair[0]) <= MOST]
    return in_plane(_codes(MOLECULES_RUN, found), np.array([len(x) - FEWEST for x, _ in found]))


def _codes(run: str, found: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Codes [clouds, code] of places and charges, so many at once."""
    codes = []
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        output = _run(run)(batch([from_arrays(x, charges=charges) for x, charges in part]))
        rows = next(layer for layer in output.trace if layer.name == CODE).features[0].values
        firsts = np.cumsum([0, *(len(x) for x, _ in part)])[:-1]
        codes.append(np.asarray(rows)[firsts, 0].astype(np.float64))
    return np.concatenate(codes)


def _folder(name: str) -> Path:
    folder = _run(name).folder
    assert folder is not None, "it was loaded from one"
    return folder


@functools.cache
def clouds_errors(kind: str = "clouds") -> dict[str, float]:
    """Test MSE of the runs on "clouds" or "molecules", as their results.json have it, and of the centroid."""
    runs = {"η and ψ": RUN, "plain": PLAIN_RUN} if kind == "clouds" else {"η and ψ": MOLECULES_RUN}
    found = {who: content(_folder(name) / "results.json") for who, name in runs.items()}
    return {who: each["test"]["value"] for who, each in found.items()} | found["η and ψ"][
        "baselines"
    ]
