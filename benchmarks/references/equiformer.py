"""The published Equiformer (github.com/atomicarchitects/equiformer, commit 64cb7866) beside ours.

The four cells of its ablation that it has: MLP attention with non-linear and linear messages, dot
product attention with linear ones; and the E(3) variant. No dropout, and no envelope in ours.
"""

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from references import case, standins

VARIANTS = {
    "equiformer_qm9": {},
    "equiformer_linear": {"messages": "linear"},
    "equiformer_dot": {"messages": "linear", "attention": "dot"},
    "equiformer_e3": {"parity": "e3"},
}


def build(checkout: Path, small: bool) -> list[case.Case]:
    """The QM9 model of the paper; all variants with 16 channels and 2 blocks if small."""
    standins.install()
    package = types.ModuleType("nets")  # its __init__ imports much more than the models
    package.__path__ = [str(checkout / "nets")]
    sys.modules["nets"] = package
    shared = {"inputs": "atoms", "output": "scalar", "envelope": "none", "softening": 1e-5**0.5}
    if not small:
        return [_case("equiformer_qm9", shared, case.molecules(32, 5.0))]
    shared |= {"width": 16, "layers": 2, "bases": 16, "radial_width": 16}
    systems = case.molecules(4, 5.0)
    return [_case(name, shared | more, systems) for name, more in VARIANTS.items()]


def _case(name: str, config: dict[str, Any], systems: case.Systems) -> case.Case:
    import torch
    from e3nn.o3 import Irreps

    from demetar.models import equiformer as ours

    torch.manual_seed(0)
    c = ours.Config(**config)
    made = ours.embedding(c)

    def irreps(channels: dict[str, int]) -> Any:
        return Irreps([(n, k) for k, n in channels.items()])

    dot = c.attention == "dot"
    part = "dp_attention_transformer" if dot else "graph_attention_transformer"
    module = importlib.import_module(f"nets.{part}")
    kind = module.DotProductAttentionTransformer if dot else module.GraphAttentionTransformer
    model = kind(
        irreps_in="5x0e",
        irreps_node_embedding=irreps(made),
        num_layers=c.layers,
        irreps_node_attr="1x0e",
        irreps_sh="1x0e+1x1o+1x2e" if c.parity == "e3" else "1x0e+1x1e+1x2e",
        max_radius=c.cutoff,
        number_of_basis=c.bases,
        fc_neurons=[c.radial_width] * 2,
        irreps_feature=f"{4 * c.width}x0e",
        num_heads=c.heads,
        irreps_head=irreps({k: n // c.heads for k, n in made.items()}),
        nonlinear_message=c.messages == "nonlinear",
        norm_layer="layer",
        alpha_drop=0.0,
        irreps_mlp_mid=irreps({k: 3 * n for k, n in made.items()}),
    ).eval()
    rows = torch.tensor(np.repeat(np.arange(len(systems.sizes)), systems.sizes))
    places, numbers = torch.tensor(systems.positions), torch.tensor(systems.species)

    def predict() -> Any:
        return model(None, places, rows, numbers)

    with torch.no_grad():  # its biases and offsets start at zero or small: make them felt
        for key, tensor in model.named_parameters():
            if key.endswith(("bias", "bias.0", "offset")):
                tensor.add_(0.1 * torch.randn_like(tensor))
    carried = Carried(model, c, made).weights
    return case.Case(
        name, "equiformer", config, systems, carried, predict, list(model.parameters())
    )


class Carried:
    """Its weights by our names. Our exact activations differ from its sampled ones by a factor,
    which the layer that reads them takes over."""

    def __init__(self, model: Any, config: Any, made: dict[str, int]) -> None:
        import torch
        from e3nn.math import normalize2mom

        from demetar.models.nn import activations

        self.weights: case.Weights = {}
        self.config, self.made = config, made
        self.silu = normalize2mom(torch.nn.SiLU()).cst / activations.SILU
        self.sigmoid = normalize2mom(torch.sigmoid).cst / activations.SIGMOID
        self.model = model
        self._ends(model)
        for i, block in enumerate(model.blocks):
            name = f"block_{i + 1}"
            self._norm(block.norm_1, f"{name}/norm_1", made)
            self._norm(block.norm_2, f"{name}/norm_2", made)
            self._attention(block.dpa if hasattr(block, "dpa") else block.ga, f"{name}/attention")
            self._linear(block.ffn.fctp_1, f"{name}/inner")
            self._linear(block.ffn.fctp_2, f"{name}/outer", gated=True)
            if block.ffn_shortcut is not None:
                self._linear(block.ffn_shortcut, f"{name}/shortcut")

    def _ends(self, model: Any) -> None:
        w = self.weights
        self._linear(model.atom_embed.atom_type_lin, "embed")
        w["distances/scale"] = _array(model.rbf.weight)[0]
        w["distances/bias"] = _array(model.rbf.bias)[0]
        w["distances/centre"] = _array(model.rbf.mean)[0]
        w["distances/width"] = _array(model.rbf.std)[0]
        degrees = model.edge_deg_embed
        self._linear(degrees.exp, "constants")
        # all but 0e of its constants are zero, and what belongs to them has no effect
        self._radial(degrees.rad, "degrees", degrees.dw.tp, ("0e",))
        kernels = _kernels(degrees.proj.tp)
        reached = {str(m.ir) for m in degrees.dw.tp.irreps_in2}
        for out in reached & set(kernels):
            w[f"surroundings/{out}/normal"] = kernels[out][: self.made["0e"]]
        w["surroundings/0e/bias"] = _array(degrees.proj.bias[0])
        self._norm(model.norm, "norm", {"0e": 4 * self.config.width})
        self._linear(model.head[0], "head_1")
        self._linear(model.head[2], "head_2", gated=True)

    def _attention(self, theirs: Any, name: str) -> None:
        from demetar.models.nn import activations

        heads, w = self.config.heads, self.weights
        self._linear(theirs.merge_src, f"{name}/sender")
        self._linear(theirs.merge_dst, f"{name}/receiver")
        self._linear(theirs.proj, f"{name}/out")
        if self.config.attention == "dot":
            self._linear(theirs.query, f"{name}/query")
            self._radial(theirs.key_value.dtp_rad, f"{name}/radial", theirs.key_value.dtp.tp)
            self._halves(theirs.key_value.lin, (f"{name}/key", f"{name}/value"), self.made)
            return
        if self.config.messages == "nonlinear":
            self._radial(theirs.sep_act.dtp_rad, f"{name}/radial", theirs.sep_act.dtp.tp)
            self._linear(theirs.sep_act.lin, f"{name}/gate")
            self._linear(theirs.sep_alpha, f"{name}/scalars")
            self._linear(theirs.sep_value.lin, f"{name}/value")
            product = theirs.sep_value.dtp.tp
            order = _order(product)
            parts = [_array(v)[:, 0] for v in product.weight_views()]
            steps = product.instructions
            factor = {
                i: self.silu if str(product.irreps_in1[s.i_in1].ir) == "0e" else self.sigmoid
                for i, s in enumerate(steps)
            }
            w[f"{name}/normal"] = np.concatenate([factor[i] * parts[i] for i in order])[None]
        else:
            self._radial(theirs.sep.dtp_rad, f"{name}/radial", theirs.sep.dtp.tp)
            count = {"0e": self.made["0e"]}
            self._mixed(theirs.sep.lin, name, count["0e"] // heads)
        factor = theirs.alpha_act.acts[0].cst / activations.SMOOTH_LEAKY_RELU
        w[f"{name}/xavier"] = factor * _array(theirs.alpha_dot)[0]

    def _halves(self, theirs: Any, names: tuple[str, str], made: dict[str, int]) -> None:
        """Keys are the first half of its columns, values the rest: heads stand outermost."""
        for out, kernel in _kernels(theirs.tp).items():
            for i, name in enumerate(names):
                columns = slice(i * made[out], (i + 1) * made[out])
                self.weights[f"{name}/{out}/normal"] = kernel[:, columns]
                if out == "0e":
                    self.weights[f"{name}/0e/bias"] = _array(theirs.bias[0])[columns]

    def _mixed(self, theirs: Any, name: str, each: int) -> None:
        """Its 0e columns are, head by head, the logits' scalars and then the value's."""
        for out, kernel in _kernels(theirs.tp).items():
            if out != "0e":
                self.weights[f"{name}/value/{out}/normal"] = kernel
                continue
            columns = np.arange(kernel.shape[1]).reshape(self.config.heads, 2, each)
            for i, part in enumerate(("scalars", "value")):
                chosen = columns[:, i].ravel()
                self.weights[f"{name}/{part}/0e/normal"] = kernel[:, chosen]
                self.weights[f"{name}/{part}/0e/bias"] = _array(theirs.bias[0])[chosen]

    def _linear(self, theirs: Any, name: str, gated: bool = False) -> None:
        for out, kernel in _kernels(theirs.tp).items():
            factor = 1.0 if not gated else self.silu if out == "0e" else self.sigmoid
            self.weights[f"{name}/{out}/normal"] = factor * kernel
        if len(theirs.bias):
            self.weights[f"{name}/0e/bias"] = _array(theirs.bias[0])

    def _norm(self, theirs: Any, name: str, made: dict[str, int]) -> None:
        scales, start = _array(theirs.affine_weight), 0
        for irrep, count in made.items():
            self.weights[f"{name}/{irrep}/scale"] = scales[start : start + count]
            start += count
        self.weights[f"{name}/0e/bias"] = _array(theirs.affine_bias)

    def _radial(self, theirs: Any, name: str, product: Any, lefts: tuple[str, ...] = ()) -> None:
        net, w = theirs.net, self.weights
        for i, (dense, norm) in enumerate(((0, 1), (3, 4))):
            w[f"{name}/layer_{i + 1}/kernel"] = _array(net[dense].weight).T
            w[f"{name}/layer_{i + 1}/bias"] = _array(net[dense].bias)
            w[f"{name}/norm_{i + 1}/scale"] = _array(net[norm].weight)
            w[f"{name}/norm_{i + 1}/bias"] = _array(net[norm].bias)
        counts = [s.path_shape[0] * s.path_shape[1] for s in product.instructions]
        ends = np.cumsum(counts)
        order = [
            i
            for i in _order(product)
            if not lefts or str(product.irreps_in1[product.instructions[i].i_in1].ir) in lefts
        ]
        columns = np.concatenate([np.arange(ends[i] - counts[i], ends[i]) for i in order])
        w[f"{name}/out/kernel"] = _array(net[6].weight).T[:, columns]
        w[f"{name}/out/bias"] = _array(theirs.offset)[columns]


def _array(tensor: Any) -> np.ndarray:
    return tensor.detach().numpy().astype(np.float32)


def _order(product: Any) -> list[int]:
    """Its instructions in the order of our paths: by output, then input, then harmonic."""
    steps = product.instructions
    outs = [str(product.irreps_out[s.i_out].ir) for s in steps]
    known = [str(m.ir) for m in product.irreps_in1]
    return sorted(
        range(len(steps)), key=lambda i: (known.index(outs[i]), steps[i].i_in1, steps[i].i_in2)
    )


def _kernels(product: Any) -> case.Weights:
    """Kernels [in, out] of a linear map by irrep; inputs of one irrep one after the other."""
    found: dict[str, list[np.ndarray]] = {}
    for w, step in zip(product.weight_views(), product.instructions, strict=True):
        found.setdefault(str(product.irreps_out[step.i_out].ir), []).append(_array(w)[:, 0])
    return {out: np.concatenate(parts) for out, parts in found.items()}
