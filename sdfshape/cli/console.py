"""Progress on stderr, a summary on stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..reconstruction import Progress

STAGES = ("read", "orient", "sample", "train", "tiles", "extract", "train_parts", "extract_parts", "thrown_away", "write")


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A function to call with `Progress`: one line with stage, step, loss and time left, that disappears at the end."""
    if quiet:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description:>8}"), BarColumn(), TextColumn("{task.fields[note]}"))
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("read", total=None, note="")

        def show(progress: Progress) -> None:
            note = _note(progress)
            if not console.is_terminal and (not progress.steps or progress.stage == "tiles"):
                sys.stderr.write(f"{note or f'{progress.stage} ...'}\n")
            if progress.steps:
                bar.update(task, description=progress.stage, total=progress.steps, completed=progress.step, note=note)
            else:
                bar.update(task, description=progress.stage, total=None, completed=0, note="")

        yield show


def _note(progress: Progress) -> str:
    """Which step of how many, or which tile, with what is known of loss and time; nothing for a stage without steps."""
    if not progress.steps:
        return ""
    loss = f"  loss {progress.loss:+.4f}" if progress.loss == progress.loss else ""
    left = f"  {progress.seconds_left:.0f} s left" if progress.seconds_left == progress.seconds_left else ""
    return f"{'tile' if progress.stage == 'tiles' else 'step'} {progress.step}/{progress.steps}{loss}{left}"


def _thin_words(surface: dict[str, Any]) -> str:
    thick = f"about {surface['least_thickness']:.3g} thick at least"
    if surface["kind"] != "closed":
        return f", wrapped parts {thick}" if surface["least_thickness"] else ""
    return f", walls too thin for their points ({surface['thickened']:.2%} of all) made {thick}" if surface["thickened"] else ""


def summarise(report: dict[str, Any], written: dict[str, str], quiet: bool) -> None:
    """The end of a reconstruction: what was made, how good, how long, where."""
    mesh, field, seconds = report["mesh"], report["field"], report["seconds"]
    lines = [
        f"mesh      {mesh['vertices']:,} vertices, {mesh['faces']:,} faces, {_pieces(mesh['components'])}, "
        + ("watertight" if mesh["watertight"] else "NOT watertight"),
        f"surface   {report['surface']['kind']}" + _thin_words(report["surface"]),
        f"field     certified Lipschitz constant {field['lipschitz_bound']:.9f}, {field['parameters']:,} numbers",
        f"fit       mean |f| at the points {report['fit']['mean_abs_f']:.3g}, largest {report['fit']['max_abs_f']:.3g} (input units)",
    ]
    if "metrics" in report:
        metrics = report["metrics"]
        lines.append(f"truth     Chamfer (sum) {metrics['chamfer_l1_sum']:.4g}, Hausdorff {metrics['hausdorff']:.4g}, "
                     f"normals {metrics['normal_consistency']:.3f}"
                     + (f", volume IoU {metrics['volume_iou']:.4f}" if metrics["volume_iou"] is not None else ""))  # fmt: skip
    lines += _part_lines(report["parts"]) if "parts" in report else []
    lines.append(
        "time      "
        + ", ".join(f"{s.replace('_', ' ')} {seconds[s]:.1f}" for s in STAGES if s in seconds)
        + f", total {seconds['total']:.1f} s"
    )
    lines += [f"warning   {text}" for text in report["warnings"]]
    lines += [f"{what:<9} {path}" for what, path in written.items()]
    if not quiet:
        sys.stdout.write("\n".join(lines) + "\n")


def _part_lines(parts: dict[str, Any]) -> list[str]:
    made = [part for part in parts["each"] if part["mesh"]]
    apart = sum(part["proven_apart"] for part in made)
    lines = [
        f"parts     {len(made)} of {len(parts['each'])} with a mesh, {apart} proven to touch no other; room between them {parts['gap']:.3g}"
    ]
    for part in parts["each"]:
        facts = part["mesh"]
        shape = f"{facts['faces']:>9,} faces, {_pieces(facts['components'])}" if facts else "no mesh"
        lines.append(f"  {part['label']:<8}{part['points']:>8,} points, {part['right']:>6.1%} on the right side, {shape}")
    return lines


def _pieces(count: int) -> str:
    return "1 piece" if count == 1 else f"{count} pieces"
