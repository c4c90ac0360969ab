"""Molecule: turn a real molecule and see whether two runs' predictions turn with it."""

from typing import Any

import streamlit as st

from app import viewer
from app.backend import cached, molecules
from app.figures import curves, layers
from app.pages.molecule import features
from app.ui import address, choose, layout, readouts, rotation
from app.viewer import scene as look

TITLE, ICON, ORDER, SECTION = "Molecule", ":material/hub:", 10, "Explore"
G, NAME, RUN, BESIDE = "molecule:g", "molecule:name", "molecule:run", "molecule:beside"
PRECISION, OF, ALSO = "molecule:precision", "molecule:of", "molecule:also"
LAYER, HEAD, FRAME = "molecule:layer", "molecule:head", "molecule:frame"
WEIGHTS = "What a row's atom takes from a column's atom; for EGNN the gate of each message."
PRECISIONS = ("float32", "float64", "bfloat16")
EXTRAS = {"invert": "inversion", "shift": "shift", "renumber": "renumber"}
VALUES = {"gradient": "gradient ∂f/∂x", "value": "value f"}


def render() -> None:
    """The page: controls in two rows, the square of two runs, Δ_EQ, layers and attention beside it."""
    source, names = _choices()
    precision, extras, turn = _how()
    address.told()
    molecule = cached.molecule(source)
    axis, degrees, g = turn
    element = molecules.Element(
        g, "invert" in extras, "shift" in extras, 0 if "renumber" in extras else None
    )
    if not names:
        st.info("There is no run that reads molecules yet; train one on QM9 in the Training page.")
        return
    begin, squares = cached.molecule_squares(names, source, element, axis, precision)
    attention = _attention(squares)
    shown = attention[-1]
    left, right = layout.side_by_side(2, 1)
    with left:
        feature = features.chosen(squares)
        _square(source, molecule, element, squares, turn, shown, feature)
        if begin:
            _wait(begin)
    with right:
        if squares:
            of = _read_out(squares, precision, molecule.reference)
            _curve(squares, of, degrees, axis)
    if squares:
        _inside(molecule, squares, attention)
        features.show(squares, element)
    address.address(
        molecule=source.name if source.data is None else None, run=names[0],
        beside=names[1] if len(names) > 1 else None, angle=rotation.angle_in_address(G),
        axis=rotation.axis_in_address(G), also=",".join(extras) or None, precision=precision,
    )  # fmt: skip


def _choices() -> tuple[molecules.Source, list[str]]:
    one, two, three, four = layout.row_of(4)
    with four.popover("Open", icon=":material/upload_file:", width="stretch"):
        upload = st.file_uploader(
            "Structure file", ["xyz", "extxyz", "pdb", "sdf", "mol", "cif"], key="molecule:file"
        )
        st.caption(
            "XYZ, extended XYZ, PDB, SDF/MOL or CIF in Å; at most 10 MB and 500 atoms each, and of many "
            "structures the first 200."
        )
    options = [*([upload.name] if upload else []), *molecules.gallery()]
    if upload and st.session_state.get("molecule:opened") != upload.file_id:
        st.session_state["molecule:opened"] = upload.file_id
        st.session_state[NAME], st.session_state[FRAME] = upload.name, 1
    address.from_address("molecule", NAME, options, "ethanol", "molecule")
    name = str(one.selectbox("Molecule", options, key=NAME))
    names = choose.pair_of_runs(
        "atoms", (RUN, BESIDE), ("egnn-qm9-homo", "set_transformer-qm9-homo"), (two, three)
    )
    source = molecules.Source(name)
    if upload and name == upload.name:
        source = _frame_of(molecules.Source(name, upload.getvalue()))
    return source, names


def _frame_of(source: molecules.Source) -> molecules.Source:
    """The structure of a file that is shown: the first one, or what the slider says."""
    count = molecules.frames(source)
    for text in molecules.remarks(source):
        st.caption(f":material/info: {address.plain(text)}")
    if count == 1:
        return source
    st.session_state[FRAME] = min(st.session_state.get(FRAME, 1), count)
    chosen = st.slider(f"Frame of {address.plain(source.name)}", 1, count, key=FRAME)
    return source._replace(frame=int(chosen) - 1)


def _how() -> tuple[str, list[str], rotation.Turn]:
    address.from_address("precision", PRECISION, PRECISIONS, PRECISIONS[0], "precision")
    wanted = address.arriving("also")
    if wanted is not None:
        parts = [part for part in wanted.split(",") if part in EXTRAS]
        st.session_state[ALSO] = parts
        if len(parts) != len(wanted.split(",")):
            address.tell(
                f"The link asks to apply {wanted[:60]!r} as well; known are {', '.join(EXTRAS)}."
            )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width="content"):
            turn = rotation.rotation(G)
        extras = st.pills(
            "and after it", list(EXTRAS), selection_mode="multi", key=ALSO,
            format_func=lambda e: EXTRAS[e], width="content",
            help="Inversion x → −x, a shift by (2 −1 1.5) Å, or new numbers for the atoms.",
        )  # fmt: skip
        precision = st.segmented_control(
            "Precision", PRECISIONS, key=PRECISION, required=True, width="content",
            format_func=lambda p: "bf16" if p == "bfloat16" else p,
        )  # fmt: skip
    return str(precision), list(extras), turn


def _attention(squares: dict[str, Any]) -> tuple[dict[str, Any], list[str], Any]:
    """What can be drawn, the heads of what is chosen, and (run, label, weights) of it or None."""
    entries = {f"{n} · {layer}": (n, w) for n, s in squares.items() for layer, w in s.attention}
    name = st.session_state.get(LAYER, "none")
    if name not in entries:
        return entries, [], None
    run, weights = entries[name]
    count = weights.shape[-1]
    heads = (["mean"] if count > 1 else []) + [f"head {i + 1}" for i in range(count)]
    head = st.session_state.get(HEAD)
    head = head if head in heads else heads[0]
    shown = weights.mean(-1) if head == "mean" else weights[..., heads.index(head) - (count > 1)]
    return entries, heads, (run, f"{name}, {head}", shown)


def _square(
    source: Any,
    molecule: Any,
    element: Any,
    squares: dict[str, Any],
    turn: Any,
    shown: Any,
    feature: Any,
) -> None:
    _, _, g = turn
    x, gx = molecule.positions, molecules.act(element, molecule.positions)
    hues = (look.BLUE, look.VERMILLION)
    body = look.Atoms(molecule.symbols, x, molecule.bonds)
    turned = look.Atoms(cached.renumbered(element, molecule.symbols), gx)
    items: list[Any] = [body]
    if shown is not None:
        items.append(_edges(x, shown))
    if feature is not None:
        items.append(features.drawn(x, feature))
    extent = {n: look.arrow_scale(s.first["gradient"], 1.5) for n, s in squares.items()}
    first = next(iter(squares.items()), None)
    if first:
        name, s = first
        items.append(
            look.Arrows(x, s.first["gradient"], hues[0], "∂f/∂x", f"{s.unit}/Å", scale=extent[name])
        )
    about = "the molecule" + (f" and ∂f/∂x of {first[0]}" if first else "")
    panels = [
        look.Panel("x", items, about, view_button=True,
                   caption=f"f(x) = {_signed(first[1].first['value'])} {first[1].unit}" if first else ""),
        look.Panel("g·x", [turned], "the input, rotated", input=True, rotation=g,
                   caption="".join(f"then {EXTRAS[e]} " for e in st.session_state.get(ALSO) or ())),
    ]  # fmt: skip
    for (name, s), hue in zip(squares.items(), hues, strict=False):
        panels.append(_both_ways(name, s, turned, gx, hue, extent[name]))
    viewer.show(
        panels, key="molecule:viewer", height=640, cols=2, across="g", down="f ↓ predict",
        fit=source.name, alt=_in_words(squares),
        on_drag=lambda drag: rotation.turn_on(G, drag.quaternion),
        on_view=lambda view: rotation.set_rotation(G, view.quaternion),
    )  # fmt: skip


def _small(value: Any) -> str:
    return f"{float(value):.1e}".replace("-", "−") if value else "0"


def _signed(value: Any) -> str:
    return f"{float(value):.1f}".replace("-", "−")


def _both_ways(name: str, s: Any, turned: Any, gx: Any, hue: str, scale: float) -> look.Panel:
    left, right = s.left["gradient"], s.right["gradient"]
    residual = left - right
    magnify = look.magnifier(residual, scale)
    arrows = look.Arrows
    return look.Panel(
        "g·f(x) and f(g·x)",
        [
            turned,
            arrows(gx, left, hue, "g·f(x)", scale=scale),
            arrows(gx, right, look.ORANGE, "f(g·x)", scale=scale, dashed=True, settles=True),
            arrows(gx, residual, look.GREEN, "residual", scale=scale, magnify=magnify, settles=True),
        ],
        name,
        caption=f"Δ_EQ {s.delta['gradient']:.1e} (∂f/∂x)",
        note=f"|f(x) − f(g·x)| = {_small(s.absolute['value'])} {s.unit}",
        follows=True,
    )  # fmt: skip


def _edges(x: Any, shown: Any) -> look.Edges:
    _, label, weights = shown
    top = max(float(abs(weights).max()), 1e-12)
    pairs = [(i, j) for i in range(len(x)) for j in range(len(x)) if i != j]
    return look.Edges(
        x, [i for i, _ in pairs], [j for _, j in pairs],
        [float(abs(weights[i, j])) / top for i, j in pairs], label=f"attention: {label}",
    )  # fmt: skip


def _read_out(squares: dict[str, Any], precision: str, reference: float | None) -> str:
    with st.container(border=True):
        st.caption("Equivariance error Δ_EQ at this g")
        of = st.segmented_control("of", VALUES, key=OF, default="gradient", required=True,
                                  format_func=lambda v: VALUES[v], label_visibility="collapsed")  # fmt: skip
        for column, (name, s) in zip(st.columns(2), squares.items(), strict=False):
            with column:
                readouts.delta(s.delta[of], name, precision, s.claims)
        unit = next(iter(squares.values())).unit
        rows = {
            f"g·f(x), {unit}": {n: _signed(s.left["value"]) for n, s in squares.items()},
            f"f(g·x), {unit}": {n: _signed(s.right["value"]) for n, s in squares.items()},
            f"residual, {unit}": {n: _small(s.absolute["value"]) for n, s in squares.items()},
        }
        st.table([{"value": name, **row} for name, row in rows.items()], hide_index=True)
        if reference is not None:
            st.caption(f"Reference of the data set: {_signed(reference)} {unit} (HOMO, B3LYP).")
    return str(of)


def _curve(squares: dict[str, Any], of: str, degrees: float, axis: Any) -> None:
    with st.container(border=True):
        st.caption(f"Δ_EQ of the {VALUES[of]} against the angle about {rotation.axis_text(axis)}")
        found = {n: s.curve[of] for n, s in squares.items()}
        st.plotly_chart(
            curves.against_angle(molecules.ANGLES, found, degrees, layout.dark()),
            key="molecule:curve", config={"displayModeBar": False},
        )  # fmt: skip


def _inside(molecule: Any, squares: dict[str, Any], attention: Any) -> None:
    one, two = layout.side_by_side(1, 1)
    with one.container(border=True):
        st.caption("Δ_EQ of every layer at this g: the first that leaves the band is the culprit")
        found = {n: s.layers for n, s in squares.items()}
        st.plotly_chart(
            layers.by_layer(found, layout.dark()), key="molecule:layers",
            config={"displayModeBar": False},
        )  # fmt: skip
    with two.container(border=True):
        entries, heads, shown = attention
        left, right = st.columns([2, 1], gap="small")
        options = ["none", *entries]
        if st.session_state.get(LAYER) not in options:
            st.session_state[LAYER] = "none"
        left.selectbox("Attention, also drawn into x", options, key=LAYER, help=WEIGHTS)
        if shown is None:
            st.caption("Choose a layer to see who looks at whom, as a matrix and as edges in x.")
            return
        if st.session_state.get(HEAD) not in heads:
            st.session_state[HEAD] = heads[0]
        right.selectbox("Head", heads, key=HEAD, disabled=len(heads) == 1)
        run, _, weights = shown
        worst = max(
            (d for _, kind, d in squares[run].layers if kind in layers.WEIGHTS), default=0.0
        )
        st.caption(
            f"Largest |A(g·x) − A(x)| of any of its layers, over the largest |A|: {worst:.0e}"
        )
        st.plotly_chart(
            layers.matrix(weights, molecule.symbols, None, layout.dark()), key="molecule:matrix",
            config={"displayModeBar": False},
        )  # fmt: skip


def _in_words(squares: dict[str, Any]) -> str:
    parts = [f"{n}: Δ_EQ of the gradient {s.delta['gradient']:.1e}" for n, s in squares.items()]
    return "Commuting square of a rotated molecule. " + "; ".join(parts)


@st.fragment(run_every=0.5)
def _wait(begin: list[tuple]) -> None:
    """Looks twice a second whether the functions for this size are compiled, then draws again."""
    st.caption(
        f":material/hourglass_top: compiling {', '.join(k[0] for k in begin)} for molecules of this size"
    )
    if cached.compiled(begin):
        st.rerun()
