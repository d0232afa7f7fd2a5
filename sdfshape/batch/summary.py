"""The end of a batch as a table (CSV) and as a page with pictures."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..io import atomic_write

STATUSES = {"done": "done", "kept": "done before", "failed": "failed", "stopped": "stopped"}
SHOWN = ["status", "reason", "seconds", "points", "surface", "vertices", "faces", "components", "watertight"]
SHOWN += ["lipschitz_bound", "mean_abs_f", "peak_rss_mb", "warnings"]
NUMBERS = [name for name in SHOWN if name not in ("status", "reason")]  # of the page
TITLES = {"lipschitz_bound": "proven constant", "mean_abs_f": "mean |f| at points", "peak_rss_mb": "MB", "components": "pieces"}
COLUMNS = ["name", *SHOWN, "source", "id"]
STYLE = """body{font:14px system-ui;margin:2em;background:#fff;color:#222} table{border-collapse:collapse} td,th{padding:.3em .7em;
border-bottom:1px solid #ddd;text-align:left} .failed td{background:#fdeaea} .stopped td{background:#fff6df} img{width:160px;display:block}
th{position:sticky;top:0;background:#fff} .number{text-align:right;font-variant-numeric:tabular-nums}"""


def write_summary(rows: Sequence[dict[str, Any]], folder: Path, pictures: bool) -> None:
    """batch.csv and batch.html. rows : as of `task.do_shape`."""
    with atomic_write(folder / "batch.csv", overwrite=True) as temporary, Path(temporary).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows({name: _shown(row.get(name, "")) for name in COLUMNS} for row in rows)
    with atomic_write(folder / "batch.html", overwrite=True) as temporary:
        Path(temporary).write_text(_page(rows, folder, pictures), encoding="utf-8")


def counts(rows: Sequence[dict[str, Any]]) -> str:
    """How many ended how, in words."""
    return ", ".join(f"{count} {STATUSES[status]}" for status, count in tally(rows).items() if count) or "no shapes"


def tally(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many ended with each status."""
    return {status: sum(row["status"] == status for row in rows) for status in STATUSES}


def _page(rows: Sequence[dict[str, Any]], folder: Path, pictures: bool) -> str:
    head = "".join(f"<th>{escape(TITLES.get(name, name))}</th>" for name in ("", "shape", "status", *NUMBERS))
    lines = "\n".join(_line(row, folder, pictures) for row in rows)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>batch</title><style>{STYLE}</style>"
        f"<h1>{len(rows)} shapes: {escape(counts(rows))}</h1><table><tr>{head}</tr>\n{lines}\n</table></html>\n"
    )


def _line(row: dict[str, Any], folder: Path, pictures: bool) -> str:
    place, name = quote(row["name"]), escape(row["name"])
    if row["status"] not in ("done", "kept"):
        reason = f"{escape(row['status'])}: {escape(row['reason'])}"
        return f"<tr class={row['status']}><td></td><td>{name}</td><td colspan={1 + len(NUMBERS)}>{reason}</td></tr>"
    there = pictures and (folder / row["name"] / "picture.png").exists()
    picture = f'<a href="{place}/"><img loading=lazy alt="" src="{place}/picture.png"></a>' if there else ""
    cells = "".join(f"<td class=number>{escape(_told(column, row.get(column, '')))}</td>" for column in NUMBERS)
    status = escape(STATUSES[row["status"]])
    return f'<tr class={row["status"]}><td>{picture}</td><td><a href="{place}/">{name}</a></td><td>{status}</td>{cells}</tr>'


def _told(column: str, value: Any) -> str:
    """A number as a reader wants it: seconds to a tenth, counts with commas."""
    if column in ("seconds", "peak_rss_mb"):
        return f"{value:.1f}" if column == "seconds" else f"{value:.0f}"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)


def _shown(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
