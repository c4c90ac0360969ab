"""The lens Consequences: what a broken symmetry does to a molecule that it moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app.backend import cached
from app.backend.measuring.beyond import consequences
from app.figures import dynamics as figures
from app.pages.molecule import state
from app.ui import address, layout, readouts, words

ON, SEED = state.DYNAMICS, state.VELOCITIES
MOST = 2**31 - 1
PLAIN = {"displayModeBar": False}
SMALL = 1e-5  # of the force scale: what rounding leaves in float32
WHAT = (
    "If −∂f/∂x were forces: a number that shifts and turns leave alone has no slope along them, so its "
    "forces add up to nothing and turn nothing. Each is divided by the most it could be, Σ |F| or Σ |r| |F|."
)
DYNAMICS = (
    f"Ethanol at constant energy by {consequences.RUN}, {consequences.STEPS} steps of {consequences.STEP} fs "
    f"from {consequences.KELVIN:.0f} K; and the same with forces that come in axes turned by "
    f"{consequences.TURNED:.0f}° about z, as if a turned input were never turned back."
)


def from_address() -> None:
    """Takes the seed of dynamics from the address with which the page was opened; it asks for them, too."""
    s = st.session_state  # what is set in every run is kept while the lens is closed
    s[ON], s[SEED] = bool(s.get(ON)), s.get(SEED, 0)
    address.number_from_address("dynamics", SEED, 0, MOST, 0, "seed of dynamics")
    if address.arriving("dynamics") == str(st.session_state[SEED]):
        st.session_state[ON] = True


def in_address() -> dict[str, str | None]:
    """What the address says of dynamics: their seed, where they are shown."""
    return {"dynamics": str(st.session_state.get(SEED, 0)) if st.session_state.get(ON) else None}


def show(shown: Any) -> None:
    """Net force and torque of each model at x and at g·x; dynamics, if asked for."""
    left, right = layout.side_by_side(2, 1)
    known = consequences.RUN in cached.known_runs()
    with right:
        _whole(shown)
        if known:
            st.toggle("Run dynamics", key=ON, help=DYNAMICS)
            st.number_input("Seed of the velocities", 0, MOST, key=SEED, width=150)
        else:
            st.caption(f"Dynamics needs the run {consequences.RUN}, which is not here.")
    with left:
        if known and st.session_state.get(ON):
            _dynamics()
        else:
            _in_words(shown)


def _dynamics() -> None:
    run, seed = consequences.RUN, int(st.session_state[SEED])
    asked = consequences.questions(cached.run(run), cached.stamp(run), seed)
    waiting, found = consequences.answers.ask(asked)
    for answer in found.values():
        if isinstance(answer, Exception):
            st.caption(f":material/error: {address.plain(str(answer))}")
        else:
            _paths(answer)
    if waiting:
        _wait(waiting)


def _found(shown: Any) -> dict[str, tuple[consequences.Whole, consequences.Whole]]:
    """What the slopes of each model do to the whole molecule: at x, and at g·x."""
    moved = shown.moved
    return {
        shown.labels[name]: (
            consequences.whole(shown.molecule.positions, -s.first["gradient"]),
            consequences.whole(moved, -s.right["gradient"]),
        )
        for name, s in shown.squares.items()
    }


def _whole(shown: Any) -> None:
    found = _found(shown)
    rows = [
        [label, *(_cell(getattr(pair[k], what)) for pair in found.values())]
        for label, k, what in (
            ("net force at x", 0, "force"),
            ("at g·x", 1, "force"),
            ("torque at x", 0, "torque"),
            ("at g·x", 1, "torque"),
        )
    ]
    readouts.table(["of the largest possible", *found], rows)


def _cell(value: float) -> str:
    return f"{'✓' if value < SMALL else '✗'} {words.delta(value)}"


def _in_words(shown: Any) -> None:
    """One sentence a model."""
    for label, (here, _) in _found(shown).items():
        name = address.plain(label)
        if max(here.force, here.torque) < SMALL:
            text = f"**{name}** leaves the molecule where it is: its forces push and turn nothing."
        else:
            parts = [
                f"{words.apart(value)} of its {what}"
                for what, value in (("forces push", here.force), ("torques turn", here.torque))
                if value >= SMALL
            ]
            text = f"**{name}** moves an isolated molecule: {' and '.join(parts)} it as a whole."
        st.markdown(text)
    st.caption(WHAT)


def _paths(found: consequences.Dynamics) -> None:
    names = ("its own forces", f"turned by {consequences.TURNED:.0f}°")
    pairs = dict(zip(names, (found.sound, found.faulty), strict=True))
    times = found.sound.times.tolist()
    one, two = st.columns(2, gap="small")
    with one:
        st.caption("Energy since the start, meV")
        st.plotly_chart(
            figures.over_time(
                times, {n: p.energy.tolist() for n, p in pairs.items()}, "", layout.dark()
            ),
            key="molecule:dynamics energy",
            config=PLAIN,
            alt=_alt("Energy", "energy", "meV", pairs),
        )
    with two:
        st.caption("Spin that came from nowhere, of Σ m |r| |v|")
        st.plotly_chart(
            figures.over_time(
                times, {n: p.spin.tolist() for n, p in pairs.items()}, "", layout.dark()
            ),
            key="molecule:dynamics spin",
            config=PLAIN,
            alt=_alt("Spin", "spin", "", pairs),
        )
    cut = "" if len(times) > consequences.STEPS else "; stopped there, the time was used up"
    st.caption(
        f"{found.calls} calls of {consequences.RUN} in {found.seconds:.1f} s, {times[-1]:.0f} fs{cut}. "
        f"Energy drifts by {_most(found.sound.energy)} and {_most(found.faulty.energy)} meV at most, spin by "
        f"{words.delta(float(found.sound.spin.max()))} and {words.delta(float(found.faulty.spin.max()))}."
    )


def _most(values: np.ndarray) -> str:
    return words.number(float(np.abs(values).max()))


def _alt(title: str, what: str, unit: str, pairs: dict[str, consequences.Path]) -> str:
    parts = [
        f"{n}: {words.number(float(np.abs(getattr(p, what)).max()))} {unit}"
        for n, p in pairs.items()
    ]
    return f"{title} over time, the largest change with {'; with '.join(parts)}."


@st.fragment(run_every=0.5)
def _wait(keys: list) -> None:
    """Looks twice a second whether the dynamics have ended, then draws again."""
    st.caption(
        f":material/hourglass_top: compiling, then dynamics for at most {consequences.LONGEST:.0f} s"
    )
    st.button("Stop", icon=":material/stop:", key="molecule:dynamics stop", on_click=_stop)
    if not st.session_state.get(ON) or consequences.answers.answered(keys):
        st.rerun()


def _stop() -> None:
    """Nobody asks any more: the dynamics give up within a step."""
    st.session_state[ON] = False
