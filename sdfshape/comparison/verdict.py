"""What the table says, in words: who is nearest, what is proven, who failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .run import Row


def verdict(rows: Sequence[Row], *, known: bool) -> str:
    """One or two sentences for the head of the page. known : whether there was a truth."""
    measure, name = ("chamfer", "Chamfer distance") if known else ("scan_mean", "distance from the points to the mesh")
    made = [row for row in rows if "error" not in row.facts]
    if not made:
        return "No method came to an end: the table says why."
    ranked = sorted(made, key=lambda row: float(row.facts[measure]))
    best = ranked[0]
    words = [f"Nearest: {_told(best)}, {name} {best.facts[measure]:.3g}"]
    if len(ranked) > 1:
        words[0] += f", then {_told(ranked[1])} ({ranked[1].facts[measure]:.3g})"
    proven = [row.method for row in made if row.facts.get("lipschitz") is not None]
    words.append(f"A certified distance comes with {_listed(proven)} alone" if proven else "No method here certifies its distance")
    open_ = [row.method for row in made if not row.facts["watertight"]]
    if open_:
        words.append(f"Not watertight: {_listed(open_)}")
    if failed := [row.method for row in rows if "error" in row.facts]:
        words.append(f"Failed: {_listed(failed)}")
    return ". ".join(words) + "."


def _told(row: Row) -> str:
    told: Any = row.facts.get("told", "nothing")
    return row.method if told == "nothing" else f"{row.method} (told {told})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
