"""The lenses Types and Consequences on the page: tables, what is declared wrongly, links."""

import shutil
from pathlib import Path

from tests.support import pages

SHIPPED = Path(__file__).parents[3] / "trained"


def settled(at):
    pages.settled(at)
    assert not at.exception
    return at


def tables(at):
    return [h.proto.body for h in at.get("html") if "<table" in h.proto.body]


def row_of(at, first):
    body = next(t for t in tables(at) if f">{first}</th>" in t)
    row = body.split(f">{first}</th>", 1)[1].split("</tr>")[0]
    return [cell.split(">", 1)[1].split("</td>")[0] for cell in row.split("<td")[1:]]


def said(at):
    return " ".join(b.value for kind in (at.info, at.caption, at.markdown) for b in kind).replace(
        "\\", ""
    )


def test_signs_are_right_and_a_wrong_type_is_named(small_runs, open_page):
    at = settled(open_page("molecule", molecule="water", lens="Types", axis="x", angle="50"))
    signs = {
        "energy, a number": ("0e", "+"), "dipole, an arrow": ("1o", "−"),
        "forces, an arrow an atom": ("1o", "−"), "angular momentum, an axial vector": ("1e", "+"),
        "polarizability, a symmetric tensor": ("0e + 2e", "+"),
    }  # fmt: skip
    for name, (declared, sign) in signs.items():
        cells = row_of(at, name)
        assert cells[:3] == [declared, sign, sign]
        assert cells[4] == f"✓ {declared}"
    assert row_of(at, "EGNN: ∂f/∂x")[4] == "✓ 1o"
    assert row_of(at, "Set Transformer: ∂f/∂x")[4] == "✗ no type"
    at.selectbox(key="molecule:declared").set_value("angular momentum as 1o").run()
    settled(at)
    assert at.query_params["declare"] in ("angular momentum as 1o", ["angular momentum as 1o"])
    assert row_of(at, "angular momentum, an axial vector")[1:3] == ["−", "+"]
    assert "The angular momentum is no 1o" in said(at)
    assert "fits **1e** exactly" in said(at)
    turned = row_of(at, "angular momentum, an axial vector")[3]
    at.button(key="molecule:types invert").click().run()
    settled(at)
    assert row_of(at, "angular momentum, an axial vector")[3] == "2.0"
    assert turned != "2.0"
    at.button(key="molecule:undo").click().run()
    settled(at)
    assert row_of(at, "angular momentum, an axial vector")[3] == turned


def test_a_link_opens_types_with_what_is_declared(small_runs, open_page):
    at = settled(open_page("molecule", molecule="water", beside="none", declare="dipole as 1e"))
    assert "The dipole is no 1e" in said(at)
    at = open_page("molecule", molecule="water", beside="none", declare="dipole as 1f")
    assert not at.exception
    assert len(at.info) == 1
    assert "dipole as 1e" in at.info[0].value.replace("\\", "")


def test_forces_on_the_whole_are_told(small_runs, open_page):
    at = settled(open_page("molecule", molecule="water", lens="Consequences"))
    cells = row_of(at, "torque at x")
    assert cells[0].startswith("✓")
    assert cells[1].startswith("✗")
    assert "EGNN leaves the molecule where it is" in said(at).replace("**", "")
    assert "moves an isolated molecule" in said(at)


def test_without_its_run_there_are_no_dynamics(small_runs, open_page):
    at = settled(open_page("molecule", molecule="water", beside="none", lens="Consequences"))
    assert "needs the run equiformer-rmd17-ethanol" in said(at)
    assert not at.toggle


def test_dynamics_are_run_when_asked_for_and_a_link_shows_the_same(
    small_runs, open_page, monkeypatch
):
    from app.backend.measuring.beyond import consequences

    monkeypatch.setattr(consequences, "STEPS", 6)
    of = "equiformer-rmd17-ethanol"
    shutil.copytree(SHIPPED / of, small_runs / "trained" / of)
    at = settled(open_page("molecule", molecule="water", beside="none", lens="Consequences"))
    at.toggle(key="molecule:dynamics").set_value(True).run()
    at.number_input(key="molecule:velocities").set_value(3).run()
    settled(at)
    told = next(c.value for c in at.caption if "calls of" in c.value)
    assert "12 calls of" in told
    assert said(at).count("Energy drifts by") == 1
    again = settled(
        open_page("molecule", molecule="water", beside="none", lens="Consequences", dynamics="3")
    )
    assert next(c.value for c in again.caption if "calls of" in c.value) == told


def test_a_link_holds_features_attention_and_seed(small_runs, open_page):
    given = {"molecule": "water", "seed": "7", "run": "set_transformer-qm9-homo", "beside": "none"}
    at = settled(open_page("molecule", **given, lens="Attention"))
    body = next(t for t in tables(at) if "largest |A" in t)
    assert "Set Transformer" in body
    at = open_page("molecule", **given, lens="Attention", layer="no such", head="2")
    assert len(at.info) == 1
    assert "no such" in at.info[0].value
    at = open_page("molecule", **given, lens="Features", feature="x · y · 1o", channel="2")
    assert len(at.info) == 1
    options = at.selectbox(key="molecule:feature").options
    chosen = options[-1]
    at = open_page("molecule", **given, lens="Features", feature=chosen, channel="2")
    assert not at.info
    assert at.selectbox(key="molecule:feature").value == chosen
    assert {
        at.query_params[k][0] if isinstance(at.query_params[k], list) else at.query_params[k]
        for k in ("feature", "channel", "seed")
    } == {chosen, "2", "7"}


def test_many_unknown_values_are_one_sentence(small_runs, open_page):
    nonsense = dict.fromkeys(("molecule", "run", "seed", "lens", "metric", "frame", "head"), "zz")
    at = open_page("molecule", **nonsense)
    assert len(at.info) == 1
    assert "more that are not here" in at.info[0].value
