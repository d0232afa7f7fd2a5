"""`sdfshape oneclass fit TABLE` and `sdfshape oneclass score DETECTOR TABLE`."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import words

if TYPE_CHECKING:
    from ..io import Table
    from ..oneclass import OneClassSDF

oneclass = typer.Typer(no_args_is_help=True, help="Learn one class of rows of a table, and score rows with a certificate.")

TableFile = Annotated[Path, typer.Argument(help="Rows of numbers: .csv, .tsv, .parquet, or .npz with X (and y).", show_default=False)]
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that says 1 for anomalous rows, 0 for others; of .npz: y.")]
Ignore = Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="A column to leave out; may be given again.")]

Contamination = Annotated[float | None, typer.Option(help="Share of the rows to call outliers, to .5; default: the zero level, about 5%.")]
Recipe = Annotated[Literal["default", "paper"], typer.Option(help="default: a second; paper: the ICML 2023 recipe, minutes.")]
Margin = Annotated[str | None, typer.Option(help="Of the loss, in deviations, or `search`.")]
Domain = Annotated[Literal["box", "ball"], typer.Option(help="Where proposals are drawn: ten deviations wide, or radius five.")]
Scaling = Annotated[Literal["standard", "none"], typer.Option(help="Whether columns are divided by their deviations.")]
Network = Annotated[
    Literal["chain", "discs"], typer.Option(help="chain: trained; discs: flat discs in closed form, for rows near sheets, as images are.")
]
Report = Annotated[Path | None, typer.Option(help="Also write the summary, as JSON.")]


@oneclass.command()
def fit(
    table: TableFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The detector to write, .ocsdf.")],
    label: Label = None,
    normal_only: Annotated[bool, typer.Option("--normal-only", help="Learn from the rows that --label calls normal.")] = False,
    ignore: Ignore = None,
    contamination: Contamination = None,
    recipe: Recipe = "default",
    margin: Margin = None,
    domain: Domain = "box",
    scaling: Scaling = "standard",
    network: Network = "chain",
    report: Report = None,
    seed: words.Seed = 0,
    threads: words.Threads = None,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Learn the support of the rows: a detector whose score is a certified distance.

    With --label the summary has the AUROC of the rows of the table: unless --normal-only, those that were learned from.
    """
    from ..io import read_table
    from ..reconstruction import Progress
    from .console import progress_bar

    _check_fit(table, output, report, label if normal_only else "", overwrite)
    rows = read_table(table, label=label, ignore=ignore or ())
    values = rows.values if not normal_only or rows.anomalous is None else rows.values[~rows.anomalous]
    asked: dict[str, Any] = {
        "recipe": recipe,
        "contamination": contamination,
        "margin": margin,
        "domain": domain,
        "scaling": scaling,
        "network": network,
    }
    detector = _detector(**asked, seed=seed)
    with progress_bar(quiet) as show:
        _fit(detector, values, threads, lambda r, left: show(Progress("train", r.step, r.steps, r.loss, left)))
    facts = _facts(detector, rows, len(values))
    _write(detector, rows, output, report, facts, overwrite)
    if not quiet:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")


@oneclass.command()
def score(
    detector: Annotated[Path, typer.Argument(help="What `oneclass fit` wrote, .ocsdf.", show_default=False)],
    table: TableFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The scores to write, .csv.")],
    label: Label = None,
    ignore: Ignore = None,
    radius: Annotated[
        list[float] | None, typer.Option(help="With --label: the AUROC certified at this radius; may be given again.")
    ] = None,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Score rows: how normal, inlier or not, and how far a row must at least move to get another verdict."""
    from ..errors import InputError
    from ..io import read_table
    from ..oneclass import load_detector
    from .outputs import check_outputs

    check_outputs([("table", output)], [detector, table], overwrite=overwrite)
    if not all(r > 0 and math.isfinite(r) for r in radius or ()):
        raise InputError(f"--radius must be lengths above 0, got {', '.join(f'{r:g}' for r in radius or ())}")
    if radius and label is None:
        raise InputError("--radius must know which rows are anomalous: name the column with --label")
    known = load_detector(detector)
    rows = _in_order(read_table(table, label=label, ignore=ignore or ()), known, table)
    scores = -known.field_(rows.values)
    inlier, error = scores >= known.offset_, float(known.field_.rounding_error(rows.values).max())
    safe = known.field_.certified_radius(rows.values, -known.offset_)
    _write_scores(output, scores, inlier, safe, safe / known.field_.frame.smallest_scale, overwrite)
    facts: dict[str, Any] = {"rows": len(rows), "outliers": int((~inlier).sum()), "written": str(output)}
    facts |= _judgement(scores, rows, radius or [], error)
    if not quiet:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")


def _check_fit(table: Path, output: Path, report: Path | None, label: str | None, overwrite: bool) -> None:
    """label : None where it is needed and not told."""
    from ..errors import InputError, OutputError
    from .outputs import check_outputs

    if output.suffix.lower() != ".ocsdf":
        raise OutputError(f"{output.name}: a detector must end in .ocsdf, got {output.suffix or 'no ending'!r}: rename it")
    check_outputs([("any", output), ("report", report)], [table], overwrite=overwrite)
    if label is None:
        raise InputError("--normal-only must know which rows are normal: name the column with --label")


def _detector(*, margin: str | None, contamination: float | None, seed: int, **given: Any) -> OneClassSDF:
    from ..errors import InputError
    from ..oneclass import OneClassSDF

    try:
        length = margin if margin in (None, "search") else float(margin)  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(f"--margin must be a number of deviations or `search`, got {margin!r}") from error
    if contamination is not None and not 0 < contamination <= 0.5:
        raise InputError(f"--contamination must be above 0 and at most .5, got {contamination}")
    return OneClassSDF(margin=length, contamination="auto" if contamination is None else contamination, random_state=seed, **given)


def _fit(detector: OneClassSDF, values: Any, threads: int | None, progress: Any) -> None:
    from ..errors import InputError
    from ..train.run import computing_with

    try:
        with computing_with(detector.device, threads):
            detector.fit(values, progress=progress)
    except ValueError as error:  # scikit-learn's, in many lines
        raise InputError(str(error).splitlines()[0]) from error


def _facts(detector: OneClassSDF, rows: Table, trained: int) -> dict[str, Any]:
    import numpy as np

    scores = detector.score_samples(rows.values)
    radius = float(np.median(detector.certified_radius(rows.values)))
    return {
        "rows": len(rows),
        "trained_on": trained,
        "columns": list(rows.names),
        "lipschitz_bound": detector.field_.lipschitz_bound,
        "parameters": detector.field_.layers.parameters,
        "margin": detector.margin_,
        "offset": detector.offset_,
        "outliers": int((scores < detector.offset_).sum()),
        "median_certified_radius": radius,
        "median_certified_deviations": radius / detector.field_.frame.smallest_scale,
    } | _judgement(scores, rows, [], 0.0)


def _judgement(scores: Any, rows: Table, radii: list[float], error: float) -> dict[str, Any]:
    """With labels of both kinds: the AUROC, and what is certified of it, the rounding of the scores counted."""
    from ..evaluate.robustness import auroc, certified_auroc

    if rows.anomalous is None or rows.anomalous.all() or not rows.anomalous.any():
        return {}
    normal, anomalous = scores[~rows.anomalous], scores[rows.anomalous]
    certified = {f"{r:g}": certified_auroc(normal, anomalous, r + error) for r in radii}
    return {"auroc": auroc(normal, anomalous)} | ({"certified_auroc": certified} if certified else {})


def _in_order(rows: Table, detector: OneClassSDF, file: Path) -> Table:
    """The columns that the detector knows, in its order; by number where it knows no names."""
    from dataclasses import replace

    import numpy as np

    from ..errors import InputError

    names = tuple(getattr(detector, "feature_names_in_", ()))
    unnamed = tuple(f"x{j + 1}" for j in range(len(rows.names)))
    named = bool(names) and names != unnamed[: len(names)]
    if named and set(names) <= set(rows.names):
        return replace(rows, values=np.stack([rows.values[:, rows.names.index(name)] for name in names], axis=1), names=names)
    if len(rows.names) != detector.n_features_in_ or (named and rows.names != unnamed):
        wanted = f"{detector.n_features_in_} columns" if not named else f"the columns {', '.join(names[:8])}"
        raise InputError(f"{file.name}: the table must have {wanted} of the detector, it has {', '.join(rows.names[:8])}")
    return rows


def _write(detector: OneClassSDF, rows: Table, output: Path, report: Path | None, facts: dict[str, Any], overwrite: bool) -> None:
    from ..evaluate import write_report
    from ..oneclass import save_detector

    save_detector(detector, output, names=list(rows.names), overwrite=overwrite)
    if report:
        write_report(facts, report, overwrite=overwrite)


def _write_scores(path: Path, scores: Any, inlier: Any, radius: Any, wide: Any, overwrite: bool) -> None:
    from ..io import atomic_write

    lines = ["row,score,inlier,certified_radius,certified_deviations"]
    columns = enumerate(zip(scores, inlier, radius, wide, strict=True))
    lines += [f"{k + 1},{s:.9g},{int(i)},{r:.9g},{w:.9g}" for k, (s, i, r, w) in columns]
    with atomic_write(path, overwrite=overwrite) as temporary:
        Path(temporary).write_text("\n".join(lines) + "\n")
