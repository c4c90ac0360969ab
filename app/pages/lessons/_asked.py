"""What a lesson can be asked: its controls, said once for widgets, address and scenes of lectures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.backend.teaching.lectures import Between, Direction, OneOf, SomeOf, Values
from app.ui import address, rotation

KEPT = "lessons:kept"  # what each control said last, also of those that are not drawn now
NONE = "none"


@dataclass(frozen=True)
class One:
    """One of these options; the first unless another is the default."""

    options: Sequence[Any]
    other: Any = None

    @property
    def default(self) -> Any:
        """What it opens with."""
        return self.options[0] if self.other is None else self.other

    @property
    def values(self) -> Values:
        """What an address may say of it."""
        return OneOf([self.text(option) for option in self.options])

    def text(self, value: Any) -> str:
        """What an address says for a value."""
        return str(value)

    def value(self, text: str) -> Any:
        """The value of a text that is right."""
        return next(option for option in self.options if self.text(option) == text)


@dataclass(frozen=True)
class Some:
    """Any number of these options, without commas in their names."""

    options: Sequence[str]
    first: Sequence[str] = ()

    @property
    def default(self) -> list[str]:
        """What it opens with."""
        return list(self.first)

    @property
    def values(self) -> Values:
        """What an address may say of it."""
        return SomeOf((*self.options, NONE))

    def text(self, value: Any) -> str:
        """What an address says for a value."""
        return ",".join(value) or NONE

    def value(self, text: str) -> list[str]:
        """The value of a text that is right."""
        return [option for option in self.options if option in text.split(",")]


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`."""

    low: int
    high: int
    default: int = 0

    @property
    def values(self) -> Values:
        """What an address may say of it."""
        return Between(self.low, self.high)

    def text(self, value: Any) -> str:
        """What an address says for a value."""
        return str(int(value))

    def value(self, text: str) -> int:
        """The value of a text that is right."""
        return int(text)


@dataclass(frozen=True)
class Switch:
    """On or off; off at first."""

    default: bool = False
    values: Values = OneOf(("yes", "no"))

    def text(self, value: Any) -> str:
        """What an address says for a value."""
        return "yes" if value else "no"

    def value(self, text: str) -> bool:
        """The value of a text that is right."""
        return text == "yes"


Control = One | Some | Whole | Switch
ANGLE, AXIS = Between(0.0, 180.0), Direction(tuple(rotation.AXES))


@dataclass(frozen=True)
class Asked:
    """The controls of a lesson by name, and the axis and angle of its g if it has one."""

    lesson: str
    controls: Mapping[str, Control]
    turns: tuple[str, float] | None = None

    def key(self, name: str) -> str:
        """Where the session has a control's value."""
        return f"lessons:{self.lesson}:{name}"

    @property
    def values(self) -> dict[str, Values]:
        """What the page's address may say of this lesson."""
        found = {name: control.values for name, control in self.controls.items()}
        return found | ({"angle": ANGLE, "axis": AXIS} if self.turns else {})

    @property
    def opens_with(self) -> dict[str, Any]:
        """Each key of the session with what it is at first."""
        found = {self.key(name): control.default for name, control in self.controls.items()}
        if self.turns:
            axis, angle = self.turns
            g = self.key("turn")
            found |= {f"{g}:axis": axis, f"{g}:angle": angle, f"{g}:seed": 0}
        return found

    def arrive(self) -> None:
        """Takes what the address says with which the page was opened; a sentence for what is wrong."""
        self._keep()
        for name, control in self.controls.items():
            wanted = address.arriving(name)
            if wanted is None:
                continue
            wrong, value = control.values.wrong(wanted), control.default
            if wrong is None:
                value = control.value(wanted)
            else:
                expected = wrong.partition(", got ")[0]
                address.tell(
                    f"The link asks for {name} {wanted[:60]!r}; expected {expected}, so this is "
                    f"{control.text(value)}."
                )
            st.session_state[self.key(name)] = value
        if self.turns:
            rotation.from_address(self.key("turn"), *self.turns)

    def _keep(self) -> None:
        """Notes what is chosen, and gives what Streamlit forgot of a control that was not drawn."""
        state, kept = st.session_state, st.session_state.get(KEPT, {})
        own = {
            key: state[key] if key in state else kept.get(key, value)
            for key, value in self.opens_with.items()
        }
        for key, value in own.items():
            if key not in state:
                state[key] = value
        state[KEPT] = {**kept, **own}

    def in_address(self) -> dict[str, str]:
        """What the address says beside the lesson's name: what is not as it opens."""
        self._keep()
        state = st.session_state
        found = {
            name: control.text(state[self.key(name)])
            for name, control in self.controls.items()
            if state[self.key(name)] != control.default
        }
        if self.turns:
            axis, angle = self.turns
            g = self.key("turn")
            if (state[f"{g}:axis"], state[f"{g}:angle"]) != (axis, angle):
                found |= {
                    "axis": rotation.axis_in_address(g),
                    "angle": rotation.angle_in_address(g),
                }
        return found

    def row(self, number: int = 1) -> Any:
        """A place for controls in one row."""
        return st.container(
            key=f"lessons-inputs-{number}",
            horizontal=True,
            vertical_alignment="bottom",
            gap="small",
        )

    def buttons(self, name: str, label: str, **options: Any) -> Any:
        """One of the options by buttons."""
        control = self._of(name, One)
        return st.segmented_control(
            label, list(control.options), key=self.key(name), required=True, **options
        )

    def menu(self, name: str, label: str, **options: Any) -> Any:
        """One of the options by a menu."""
        return st.selectbox(label, self._of(name, One).options, key=self.key(name), **options)

    def pills(self, name: str, label: str, **options: Any) -> list[str]:
        """Some of the options by buttons."""
        control = self._of(name, Some)
        return st.pills(
            label, list(control.options), selection_mode="multi", key=self.key(name), **options
        )

    def number(self, name: str, label: str, **options: Any) -> int:
        """A whole number to be typed."""
        control = self._of(name, Whole)
        return int(st.number_input(label, control.low, control.high, key=self.key(name), **options))

    def slider(self, name: str, label: str, **options: Any) -> int:
        """A whole number by a slider."""
        control = self._of(name, Whole)
        return st.slider(label, control.low, control.high, key=self.key(name), **options)

    def switch(self, name: str, label: str, **options: Any) -> bool:
        """A switch."""
        self._of(name, Switch)
        return st.toggle(label, key=self.key(name), **options)

    def breaks(self, label: str, help: str) -> bool:
        """The switch that breaks the rule."""
        return self.switch("broken", f"Break it: {label}", help=help)

    def turn(self) -> rotation.Turn:
        """The inputs of g, and g."""
        assert self.turns is not None
        return rotation.rotation(self.key("turn"), *self.turns)

    def _of(self, name: str, kind: type) -> Any:
        control = self.controls[name]
        assert isinstance(control, kind), f"{name} of {self.lesson} is no {kind.__name__}"
        return control
