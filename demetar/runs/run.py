"""A trained model as a folder: reads and writes it, and predicts with it."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from demetar import models
from demetar.core import numerics, registry
from demetar.core.disk import home, trained
from demetar.core.errors import InputError, quoted
from demetar.core.graph import Graph, centred, connect
from demetar.core.output import Attention, Feature, Output, Value
from demetar.core.padding import pad
from demetar.data.readers.bounded import stored_arrays
from demetar.data.standardise import ELEMENTS, Norm
from demetar.models.nn.init import initialise, probe, shapes_of
from demetar.runs.folder import flatten, names, read_config
from demetar.runs.prediction import prediction, without_constant
from demetar.symmetry import groups
from demetar.symmetry.scales import by_row

numerics.configure()


@functools.lru_cache(maxsize=64)
def compiled(function: Callable) -> Callable:
    """The jitted function; one compilation for each padded size."""
    return jax.jit(function)


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A model with its parameters and everything needed to feed it. Treat it as immutable."""

    name: str
    config: dict[str, Any]
    params: Any
    folder: Path | None = None

    @functools.cached_property
    def model(self) -> Any:
        """The linen module."""
        return models.create(self.config["model"], **self.config["model_config"])

    @property
    def function(self) -> Callable[[Any, Graph], Output]:
        """The pure function (params, graph) -> Output."""
        c = self.config
        return prediction(self.model, c["target"], c["unit"], bool(c.get("forces")))

    @functools.cached_property
    def symmetry(self) -> str:
        """The largest group that the model claims with its settings."""
        return models.symmetry(self.config["model"], self.config["model_config"])

    @property
    def rms(self) -> dict[str, float]:
        """Root mean square, on the validation set, of what each output adds to its constant part.

        The floor of Δ_EQ's scale. Runs of earlier versions know that of whole outputs only: the same
        number, but for invariants and places.
        """
        if "deviation" in self.config:
            return self.config["deviation"]
        whole = {self.config["target"], "positions"} - {"forces"}
        return {k: v for k, v in self.config.get("rms", {}).items() if k not in whole}

    @functools.cached_property
    def centred(self) -> bool:
        """Whether systems are moved to their centroid: where the model claims translations."""
        return bool({"t3", "se3", "e3", "sim3"} & set(groups.load(self.symmetry).factors))

    def varying(self, graph: Graph) -> tuple[Any, dict[str, np.ndarray]]:
        """The parameters without the constant part of the target, and that part [rows, 1], float64."""
        part, constant = without_constant(self.params, graph, self.model.config.output)
        return part, {self.config["target"]: constant} if np.any(constant) else {}

    def prepare(self, graph: Graph) -> Graph:
        """The graph with the edges that the model was trained on, with masses only if it was.

        Raises InputError if the system is not of the kind that the run can read.
        """
        c = self.config
        if c["model_config"].get("inputs", "particles") == "particles":
            if graph.charges is None:
                raise InputError(
                    f"Expected an N-body system with charges for the run {self.name}, got "
                    f"{'a molecule' if np.any(graph.species) else 'particles without charges'}; "
                    "choose a run that was trained on molecules or open an N-body scene."
                )
        else:
            self._check_species(graph)
        graph = graph if self.uses_masses else graph.replace(masses=None)
        return graph if graph.n_graphs > 1 else connect(graph, c.get("connect"))

    @property
    def uses_masses(self) -> bool:
        """Whether it was trained on systems with masses; otherwise those of a file count for nothing.

        Runs of earlier versions do not say so; of their data only gravity's scenes had masses.
        """
        variant = self.config.get("data_options", {}).get("variant")
        return bool(self.config.get("masses", variant == "gravity"))

    def _check_species(self, graph: Graph) -> None:
        from ase.data import chemical_symbols

        known = self.model.config.species
        strange = sorted(set(np.asarray(graph.species)[np.asarray(graph.node_mask)]) - set(known))
        if strange:
            have = ", ".join(
                "particles that are no atoms" if z == 0 else chemical_symbols[z] for z in strange
            )
            raise InputError(
                f"Expected only {', '.join(chemical_symbols[z] for z in known)}, which the run "
                f"{self.name} was trained on, got {have}; choose another system or another run."
            )

    def __call__(self, graph: Graph, dtype: str = "float32") -> Output:
        """The prediction for a graph as `demetar.read` gives it, as host numpy without padding.

        Computed in `dtype`, one of `demetar.core.numerics.DTYPES`; InputError on another.

        The constant part of an invariant (its mean, what each atom contributes) is added here in
        float64: beside 1e6 meV of it float32 has no digit left for the model's own part. So is the
        centroid, which is taken off the positions of every model that claims translations.
        """
        numerics.check_dtype(dtype)
        graph = self.prepare(graph)
        placed = centred(graph) if self.centred else graph
        part, constant = self.varying(graph)
        with jax.enable_x64(dtype == "float64"):
            part, given = numerics.cast(part, dtype), pad(placed).astype(dtype)
            output = jax.device_get(compiled(self.function)(part, given))
        output = _trim(output, graph)
        offset = np.asarray(graph.positions, np.float64) - placed.positions
        values = dict(output.values)
        for name, value in output.values.items():
            rest = constant.get(name, 0.0)
            rest = rest + by_row(offset, graph, value.kind.per) if value.kind.affine else rest
            if np.any(rest):
                array = np.asarray(value.array, np.float64) + rest
                values[name] = Value(array, value.kind)
        return Output(values, output.trace)


def _trim(output: Output, graph: Graph) -> Output:
    rows = {"graph": graph.n_graphs, "node": len(graph.species), "edge": len(graph.senders)}

    def feature(f: Feature) -> Feature:
        return dataclasses.replace(f, values=f.values[: rows[f.per]])

    def attention(a: Attention | None) -> Attention | None:
        return None if a is None else jax.tree.map(lambda x: x[a.mask], a)

    values = {k: Value(v.array[: rows[v.kind.per]], v.kind) for k, v in output.values.items()}
    trace = tuple(
        dataclasses.replace(
            layer,
            features=tuple(map(feature, layer.features)),
            attention=attention(layer.attention),
        )
        for layer in output.trace
    )
    return Output(values, trace)


def load(name: str | os.PathLike[str]) -> Run:
    """The run of that name under `trained/` or `runs/`, or at that path or fsspec address.

    Raises InputError if there is none, or if one of its files is damaged.
    """
    text = str(name)
    if "://" in text:
        from demetar.runs.remote import fetched

        text = str(fetched(text))
    candidates = [trained() / text, home() / "runs" / text] if text == Path(text).name else []
    try:
        folder = next((p for p in [*candidates, Path(text)] if (p / "config.json").is_file()), None)
    except OSError:  # a name that is too long for the file system
        folder = None
    if folder is None or text in ("", ".", ".."):
        raise InputError(
            f"Expected the name of a run or the path of its folder, got {quoted(text)}"
            f"{registry.closest(text, names(), 'demetar runs lists them')}"
        )
    config = read_config(folder / "config.json")
    run = Run(folder.name, config, None, folder)
    return dataclasses.replace(run, params=_read_params(folder / "params.npz", run))


def _read_params(path: Path, run: Run) -> Any:
    shapes = shapes_of(run.model, _probe(run))
    expected = _shaped(run, jax.tree.map(lambda x: np.broadcast_to(0.0, x.shape), shapes))
    limit = 10**6 + 8 * sum(leaf.size for leaf in jax.tree.leaves(expected))
    try:
        arrays = stored_arrays(path, path.name, None, limit, axes=8)
        sound = all(v.dtype.kind == "f" and np.isfinite(v).all() for v in arrays.values())
    except FileNotFoundError:
        raise InputError(
            f"Expected the parameters of {run.name} in {path.name}, got no such file; wait "
            "for the first evaluation of the training, or train the run."
        ) from None
    except InputError as error:
        raise InputError(
            f"Expected the parameters of {run.name} in {path.name}, got a damaged file ({error}); "
            "restore it or train the run again."
        ) from None
    shapes = {k: v.shape for k, v in flatten(expected).items()}
    if shapes != {k: v.shape for k, v in arrays.items()}:
        raise InputError(
            f"Expected the parameters of the model {run.config['model']} in {path}, got arrays of "
            "other names or shapes; restore the file that belongs to this config.json."
        )
    if not sound:
        raise InputError(
            f"Expected finite real numbers as the parameters of {run.name} in {path}, got others; "
            "restore it or train the run again."
        )
    leaves = [arrays[k] for k in flatten(expected)]
    return jax.tree.unflatten(jax.tree.structure(expected), leaves)


def template(run: Run, seed: int = 0) -> Any:
    """Fresh parameters of the run's model: {"model": tree, "mean": 0, "scale": 1}.

    With "references" [119] of zeros where the run takes atoms' contributions off its target.
    """
    return _shaped(run, initialise(run.model, _probe(run), seed))


def _probe(run: Run) -> Graph:
    return probe(run.config["model_config"], run.config.get("connect"))


def _shaped(run: Run, model: Any) -> Any:
    used = run.config.get("references", "none") != "none"
    return Norm(references=np.zeros(ELEMENTS) if used else None).params(model)
