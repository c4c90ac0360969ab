"""An audit as Markdown, JSON or one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

import json
import math
from html import escape
from typing import Any

from demetar.core.errors import InputError
from demetar.diagnosis.audit.charts import chart
from demetar.diagnosis.causes import cause

STYLE = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#22303c}
h1{margin:0 0 .2rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #dde3e8;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.broken td{background:#fff1ee}
.word{font-size:1.6rem;font-weight:700}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1rem}
figure{margin:0}
svg{width:100%;height:auto;font:11px system-ui,sans-serif;fill:#22303c}
pre{overflow:auto;background:#f5f7f9;padding:.8rem}
.quiet{color:#5b6b79}
"""


def write(audit: Any, form: str = "markdown") -> str:
    """The report as text; InputError on an unknown form."""
    forms = {
        "markdown": markdown,
        "html": html,
        "json": lambda a: json.dumps(document(a), indent=1),
    }
    if form not in forms:
        raise InputError(f"Expected a report as {', '.join(forms)}, got {form!r}; choose one.")
    return forms[form](audit)


def document(audit: Any) -> dict[str, Any]:
    """The audit as plain values for JSON; numbers that are not finite are null."""
    rows = [
        {
            "name": f.name,
            "title": f.title,
            "value": f.value,
            "limit": f.limit,
            "unit": f.unit,
            "broken": f.broken,
            "detail": f.detail,
            "tags": f.tags,
            "data": f.data,
        }
        for f in audit.findings
    ]
    return _plain(
        {
            "cause": audit.cause,
            "sentence": audit.sentence,
            "mends": cause(audit.cause).mends,
            "evidence": rows,
            "decided": audit.decided,
            "runner_up": audit.runner_up,
            "excluded": audit.excluded,
            "evaluations": audit.evaluations,
            "seconds": audit.seconds,
            "smallest": audit.smallest,
            "complete": audit.complete,
            "calculator": audit.calculator,
            "structure": audit.formula,
            "atoms": audit.atoms,
            "refusals": list(audit.refusals),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _excluded(audit: Any) -> str:
    return f"Not {audit.runner_up}: {audit.excluded}." if audit.runner_up else ""


def _failed(audit: Any) -> str:
    """What the calculator was asked for and did not answer, in a sentence."""
    return f"Not answered: {'; '.join(audit.refusals)}." if audit.refusals else ""


def _small(audit: Any) -> str:
    if audit.smallest is None:
        return ""
    lines = [str(audit.smallest["atoms"]), f"smallest structure found: {audit.smallest['formula']}"]
    if audit.smallest.get("cell"):
        cell = " ".join(f"{x:g}" for row in audit.smallest["cell"] for x in row)
        lines[1] = f'Lattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T"'
    for symbol, p in zip(audit.smallest["symbols"], audit.smallest["positions"]):
        lines.append(f"{symbol:2} {p[0]:12.6f} {p[1]:12.6f} {p[2]:12.6f}")
    return "\n".join(lines)


def markdown(audit: Any) -> str:
    """The audit as Markdown."""
    ended = "" if audit.complete else " Stopped before the end: what there is."
    lines = [
        f"# {audit.calculator} on {audit.formula}: {audit.cause}",
        "",
        audit.sentence,
        "",
        f"*What mends it*: {cause(audit.cause).mends}",
        "",
    ]
    lines += [_excluded(audit), ""] if audit.runner_up else []
    lines += ["| check | value | precision explains | unit | |", "|---|---:|---:|---|---|"]
    lines += [
        f"| {'**' if f.broken else ''}{f.title}{'**' if f.broken else ''} | {_number(f.value)} | "
        f"{_number(f.limit)} | {f.unit} | {f.detail.replace('|', chr(92) + '|')} |"
        for f in audit.findings
    ]
    if audit.smallest is not None:
        lines += ["", "The smallest structure that shows it:", "", "```", _small(audit), "```"]
    lines += ["", _failed(audit)] if audit.refusals else []
    lines += ["", f"{audit.evaluations} evaluations in {audit.seconds:.1f} s.{ended}"]
    return "\n".join(lines) + "\n"


def figures(audit: Any) -> list[str]:
    """SVG of what was measured along something: orientations, steps, paths, time."""
    found = {f.name: f for f in audit.findings}
    drawn = []
    pairs = found["rotation"].data.get("pairs", {}) if "rotation" in found else {}
    for key, unit in (("energy", "|ΔE| per atom / meV"), ("force", "mean |ΔF| / meV/Å")):
        if pairs.get(key):
            title = f"{unit.split(' /')[0]} over {len(pairs['angle'])} pairs of orientations"
            drawn.append(
                chart(title, pairs["angle"], pairs[key], "relative angle / °", unit, log_y=True)
            )
    if "gradient" in found and found["gradient"].data.get("steps"):
        rows = found["gradient"].data["steps"]
        h, e, allowed = ([r[k] for r in rows] for k in range(3))
        half = len(h) // 2 or 1
        drawn.append(
            chart(
                "Forces against −ΔE/2h",
                h[:half],
                e[:half],
                "step h / Å",
                "difference / eV/Å",
                line=True,
                log_x=True,
                log_y=True,
                bound=allowed[:half],
            )
        )
    for curve in found["continuity"].data.get("curves", []) if "continuity" in found else []:
        rest = curve["energy"][-1]
        values = [e - rest for e in curve["energy"]]
        drawn.append(
            chart(
                f"Energy along: {curve['name']}",
                curve["s"],
                values,
                "s / Å",
                "E − E(end) / eV",
                line=True,
            )
        )
    if "dynamics" in found and found["dynamics"].data:
        data = found["dynamics"].data
        drawn.append(
            chart(
                "Total energy at constant energy",
                data["time"],
                data["energy"],
                "time / fs",
                "ΔE / meV/atom",
                line=True,
            )
        )
    return drawn


def html(audit: Any) -> str:
    """The audit as one HTML file with its figures; no request leaves it."""
    rows = "\n".join(
        f'<tr class="{"broken" if f.broken else ""}"><td>{escape(f.title)}</td>'
        f'<td class="n">{_number(f.value)}</td>'
        f'<td class="n">{_number(f.limit)}</td><td>{escape(f.unit)}</td><td>{escape(f.detail)}</td></tr>'
        for f in audit.findings
    )
    title = f"{audit.calculator} on {audit.formula}"
    small = f"<h2>The smallest structure that shows it</h2><pre>{escape(_small(audit))}</pre>"
    ended = "" if audit.complete else " It was stopped before the end."
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Audit: {escape(title)}</title><style>{STYLE}</style></head><body>
<h1>{escape(title)}</h1><p class="word">{escape(audit.cause)}</p><p>{escape(audit.sentence)}</p>
<p><b>What mends it:</b> {escape(cause(audit.cause).mends)}</p><p>{escape(_excluded(audit))}</p>
<h2>What was looked at</h2><table><thead><tr><th>check</th><th>value</th>
<th>precision explains</th><th>unit</th><th></th></tr></thead><tbody>{rows}</tbody></table>
<h2>Figures</h2><div class="figures">{"".join(f"<figure>{s}</figure>" for s in figures(audit))}</div>
{small if audit.smallest is not None else ""}
<p>{escape(_failed(audit))}</p>
<p class="quiet">{audit.evaluations} evaluations in {audit.seconds:.1f} s.{ended}</p></body></html>
"""
