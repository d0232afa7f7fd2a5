"""`sdfshape download modelnet10 -o FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from . import words


def download(
    _what: Annotated[Literal["modelnet10"], typer.Argument(metavar="modelnet10", help="The data set (Princeton, for academic use).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    sha256: Annotated[str | None, typer.Option(metavar="HEX", help="The checksum that the archive must have.")] = None,
    url: Annotated[str | None, typer.Option(help="Another place that has the same archive.")] = None,
    quiet: words.Quiet = False,
) -> None:
    """Fetch ModelNet10 (450 MB), check it, and unpack it for `batch --modelnet`."""
    from ..batch.download import MODELNET10, fetch_modelnet10, modelnet_root

    told = -1

    def show(got: int, size: int) -> None:
        nonlocal told
        if not quiet and size and (percent := 100 * got // size) // 10 > told:
            told = percent // 10
            sys.stderr.write(f"{percent}% of {size >> 20} MB\n")

    found = fetch_modelnet10(output, url=url or MODELNET10, sha256=sha256, progress=show)
    if not quiet:
        sys.stdout.write(f"written   {modelnet_root(output)}\nsha256    {found}\n")
