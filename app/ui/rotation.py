"""The inputs of a rotation: axis, angle, a draw at random, and the hand."""

import streamlit as st

from app.backend import rotations
from app.ui.address import arriving, number_from_address, tell

AXES = rotations.AXES
OWN = "own"
Turn = tuple[tuple[float, float, float], float, rotations.Quaternion]  # axis, degrees, quaternion


def set_rotation(key: str, g: rotations.Quaternion) -> None:
    """Makes the group element `key` the rotation g; for callbacks, before its inputs are drawn."""
    axis, degrees = rotations.kept(g)
    st.session_state[f"{key}:own"], st.session_state[f"{key}:angle"] = axis, degrees
    known = [name for name, a in AXES.items() if a == axis]
    st.session_state[f"{key}:axis"] = known[0] if known else OWN


def set_angle(key: str, degrees: float) -> None:
    """Turns about the axis that is chosen, by so many degrees."""
    st.session_state[f"{key}:angle"] = degrees


def turn_on(key: str, g: rotations.Quaternion) -> None:
    """Turns the group element `key` further: first what it was, then g."""
    set_rotation(key, rotations.after(g, rotation_of(key)[2]))


def rotation_of(key: str) -> Turn:
    """The group element `key` as it stands."""
    name = st.session_state.get(f"{key}:axis", "z")
    axis = AXES.get(name) or st.session_state.get(f"{key}:own", AXES["z"])
    degrees = float(st.session_state.get(f"{key}:angle", 0.0))
    return axis, degrees, rotations.quaternion(axis, degrees)


def from_address(key: str, axis: str, degrees: float) -> None:
    """Takes angle and axis from the address with which the page was opened; else these defaults."""
    _rotation_from_address(key, axis, degrees)


def axis_and_random(key: str) -> None:
    """The axis, a rotation at random, and its seed in a menu."""
    own = st.session_state.get(f"{key}:own", AXES["z"])
    st.selectbox(
        "Axis of g",
        [*AXES, OWN],
        key=f"{key}:axis",
        width=124,
        label_visibility="collapsed",
        format_func=lambda n: axis_text(own) if n == OWN else f"axis {n}",
    )
    seed = int(st.session_state.setdefault(f"{key}:seed", 0))
    st.button(
        "Random",
        key=f"{key}:random",
        icon=":material/casino:",
        on_click=_random,
        args=(key, seed),
        help=f"A uniform rotation g, by seed {seed}; the seed counts on.",
    )
    with st.popover("", icon=":material/tag:", help="The seed of Random"):
        st.number_input("Seed of g", 0, 2**31 - 1, key=f"{key}:seed", width=120)


def rotation(key: str, axis: str = "(1 1 1)", degrees: float = 60.0) -> Turn:
    """The inputs of a rotation, for a row: angle, axis, random by seed; at first with these defaults.

    Reads no address, so that it can be drawn again in a fragment: `from_address` does, once.
    """
    st.session_state.setdefault(f"{key}:axis", axis)
    st.session_state.setdefault(f"{key}:angle", float(degrees))
    st.slider("Angle of g", 0.0, 180.0, step=1.0, format="%.0f°", key=f"{key}:angle", width=160)
    axis_and_random(key)
    return rotation_of(key)


def _random(key: str, seed: int) -> None:
    set_rotation(key, rotations.random_rotation(seed))
    st.session_state[f"{key}:seed"] = seed + 1


def _rotation_from_address(key: str, axis: str, degrees: float) -> None:
    number_from_address("angle", f"{key}:angle", 0.0, 180.0, float(degrees), "angle")
    wanted = arriving("axis")
    st.session_state.setdefault(f"{key}:axis", axis)
    if wanted in AXES:
        st.session_state[f"{key}:axis"] = wanted
    elif wanted is not None:
        parts = wanted.split(",")
        try:
            x, y, z = (float(part) for part in parts)
            if not 1e-6 < x * x + y * y + z * z < 1e6:
                raise ValueError
        except ValueError:
            tell(
                f"The link asks for the axis {wanted[:60]!r}; expected three numbers such as 1,0,0."
            )
            return
        st.session_state[f"{key}:own"], st.session_state[f"{key}:axis"] = (x, y, z), OWN


def axis_text(axis: tuple[float, float, float]) -> str:
    """The axis with two digits a component."""
    parts = (f"{part:.2f}".rstrip("0").rstrip(".").replace("0.", ".") for part in axis)
    shown = ("0" if part == "-0" else part.replace("-", "−") for part in parts)
    return "(" + " ".join(shown) + ")"


def axis_in_address(key: str) -> str:
    """What the address says for the axis of `key`."""
    name = st.session_state.get(f"{key}:axis", OWN)
    return name if name != OWN else ",".join(map(repr, rotation_of(key)[0]))


def angle_in_address(key: str) -> str:
    """What the address says for the angle of `key`: all digits, so that a link shows the same."""
    return repr(rotation_of(key)[1]).removesuffix(".0")
