"""What the guarantee is worth, as tables (`guarantee` measures)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..field import Box, CertifiedField, Sphere
from .guarantee import check_bounds, pruning_facts, query_facts

SOLIDS: Mapping[str, CertifiedField] = {
    "a ball": Sphere((0.1, 0.2, 0.3), 0.7),
    "a box": Box((-1.0, -0.6, -0.4), (1.0, 0.6, 0.4)),
}  # the truth
DENSE = 256  # cells a side at which the dense grid is extracted too


def guarantee_tables(fields: Mapping[str, CertifiedField], *, queries: int, resolutions: Sequence[int] = (128, DENSE)) -> Iterator[str]:
    """Lines of Markdown: violated bounds and tightness; what pruning saves, at two resolutions at least; time of boxes and pictures."""
    yield from _head("field | queries | below | above | noticed | one value, near | tight, near | tight, domain")
    for name, field in fields.items():
        found = check_bounds(field, queries)
        counts = f"{found.queries:,} | {found.violations} | {found.upper_violations} | {found.noticed:,}"
        yield f"| {name} | {counts} | {found.one_value:.3f} | {found.near:.3f} | {found.tightness:.3f} |"
    heads = [f"{r}: a cell | of box | of cube | s" + (" | dense s" if r == DENSE else "") for r in resolutions]
    yield from _head(" | ".join(["field", *heads, "slope"]))
    for name, field in fields.items():
        yield _pruning_row(name, field, resolutions)
    yield from _head("field | a million boxes, s | picture, s | evaluations a pixel | of plain")
    for name, field in fields.items():
        facts = query_facts(field)
        share = facts["a_pixel"] / facts["plain_a_pixel"]
        yield f"| {name} | {facts['boxes_seconds']:.1f} | {facts['picture_seconds']:.1f} | {facts['a_pixel']:.2f} | {share:.0%} |"


def _head(columns: str) -> Iterator[str]:
    yield from ("", f"| {columns} |", "|---" * (columns.count("|") + 1) + "|")


def _pruning_row(name: str, field: CertifiedField, resolutions: Sequence[int]) -> str:
    line, spent = [name], []
    for resolution in resolutions:
        facts = pruning_facts(field, resolution, dense=resolution == DENSE)
        spent.append(facts["evaluations"])
        shares = [facts["box"] / facts["evaluations"], facts["cube"] / facts["evaluations"]]
        line += [f"{facts['evaluations'] / facts['crossed']:.2f}", *(f"{share:.1f}" for share in shares), f"{facts['seconds']:.1f}"]
        line += [f"{facts['dense_seconds']:.1f}"] if "dense_seconds" in facts else []
    return "| " + " | ".join([*line, f"{np.polyfit(np.log(resolutions), np.log(spent), 1)[0]:.2f}"]) + " |"
