"""Questions: choose an answer first, then see the number that the library measures."""

from __future__ import annotations

import html

import streamlit as st

from app.backend import cached
from app.backend.teaching import questions
from app.ui import address, style, words
from demetar.core.errors import InputError

TITLE, ICON, ORDER, SECTION = "Questions", ":material/quiz:", 85, "Teach"
SHOWN, ANSWERS = "questions:shown", "questions:answers"
CSS = """
h1.ask{font-size:26px;font-weight:650;line-height:1.3;margin:0;padding:0;letter-spacing:0}
div.told{font-size:22px;font-weight:650;line-height:1.3}
table.told{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:18px;margin:6px 0}
table.told th{font-weight:400;text-align:left;padding:2px 24px 2px 0}
table.told td{font-weight:700;text-align:right}
"""


def render() -> None:
    """The question that is shown, its options, and what was measured once one is chosen."""
    style.heading("Questions", "What do you expect? Say it first, then see what is measured.")
    st.html(f"<style>{CSS}</style>")
    keys = list(questions.BY_KEY)
    address.from_address("question", SHOWN, keys, keys[0], "question")
    answers: dict[str, int] = st.session_state.setdefault(ANSWERS, {})
    question = questions.BY_KEY[st.session_state[SHOWN]]
    at = keys.index(question.key)
    st.caption(
        "Say what you expect, then see what is measured. Nothing here is written down beforehand: the "
        f"library computes each answer when it is asked for. Question {at + 1} of {len(keys)}."
    )
    address.told()
    st.html(f"<h1 class='ask'>{html.escape(question.text)}</h1>")
    _options(question, answers)
    if question.key in answers:
        _revealed(question, answers[question.key])
    _foot(keys, at)
    _score(answers)
    address.address(question=question.key)


def _options(question: questions.Question, answers: dict[str, int]) -> None:
    chosen = answers.get(question.key)
    with st.container(horizontal=True, key="questions:options"):
        for i, option in enumerate(question.options):
            st.button(
                option,
                key=f"questions:{question.key}:{i}",
                disabled=chosen is not None,
                type="primary" if chosen == i else "secondary",
                on_click=_choose,
                args=(question.key, i),
            )


def _choose(key: str, option: int) -> None:
    st.session_state[ANSWERS] = {**st.session_state.get(ANSWERS, {}), key: option}


def found(question: questions.Question) -> questions.Answer:
    """The measured answer, anew when the runs that it asks are replaced."""
    stamps = tuple(
        cached.stamp(name) for name in (questions.TURNING, questions.PLAIN) if question.asks_runs
    )
    return questions.answer(question.key, cached.run, stamps)


def _revealed(question: questions.Question, chosen: int) -> None:
    try:
        with st.spinner("measuring"):
            answer = found(question)
    except InputError as error:
        st.error(address.plain(str(error)), icon=":material/error:")
        return
    sign = "✓ As you said" if chosen == answer.right else "✗ Measured otherwise"
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(name)}</th><td>{_number(name, value)}</td></tr>"
        for name, value in answer.measured.items()
    )
    st.html(
        f"<div class='told' role='status'>{sign}: {html.escape(question.options[answer.right])}.</div>"
        f"<table class='told'>{rows}</table>"
    )
    st.markdown(address.plain(answer.why))


def _number(name: str, value: float) -> str:
    """Δ_EQ as everywhere; ratios and degrees plain, with a true minus."""
    if "Δ" in name or "float" in name:
        return words.delta(value)
    return f"{value + 0.0:.4g}".replace("-", "−")


def _foot(keys: list[str], at: int) -> None:
    with st.container(horizontal=True, key="questions:foot"):
        st.button(
            "Back", key="questions:back", disabled=at == 0, on_click=_show, args=(keys[at - 1],)
        )
        if at + 1 < len(keys):
            st.button("Next", key="questions:next", on_click=_show, args=(keys[at + 1],))
        st.button(
            "Start again",
            key="questions:reset",
            icon=":material/restart_alt:",
            type="tertiary",
            disabled=not st.session_state[ANSWERS],
            on_click=_reset,
            args=(keys[0],),
        )


def _show(key: str) -> None:
    st.session_state[SHOWN] = key


def _reset(first: str) -> None:
    st.session_state[ANSWERS], st.session_state[SHOWN] = {}, first


def _score(answers: dict[str, int]) -> None:
    """How many were right, of those that are known."""
    right = 0
    for key, chosen in answers.items():
        try:
            right += found(questions.BY_KEY[key]).right == chosen
        except InputError:  # said where the question is shown
            continue
    left = len(questions.ALL) - len(answers)
    st.caption(f"{right} of {len(answers)} right; {left} to go.")
