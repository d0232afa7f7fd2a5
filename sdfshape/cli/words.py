"""The words that several commands share, each with its help, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]
Seed = Annotated[int, typer.Option(help="Same input, seed, threads and machine: the same bytes.")]
Resolution = Annotated[int, typer.Option(help="Cells of the extraction grid along its longest side, 8 to 2048.")]
ScanResolution = Annotated[
    int,
    typer.Option(help="Cells of the extraction grid along its longest side, 8 to 2048; thin parts of a wrap are made thick enough for it."),
]
Iso = Annotated[float, typer.Option(help="Level to extract, in the units of the input: 0 is the surface, positive lies outside of it.")]
MaxDeviation = Annotated[
    float | None,
    typer.Option(help="As few faces as stay within this distance of the full mesh, proven both ways; in the units of the input."),
]
VertexNormals = Annotated[bool, typer.Option("--vertex-normals", help="Store the field's normal with every vertex (all but .stl).")]
Preset = Annotated[
    Literal["fast", "default", "quality", "paper"],
    typer.Option(help="fast: a mosaic of 32 small networks; default: of 64; quality: of 128; paper: the recipe of the ICML 2023 paper."),
]
Surface = Annotated[
    Literal["auto", "closed", "open", "wrap"],
    typer.Option(
        help="closed: solids; wrap: thin or messy shapes (thickened, slots filled); open: sheets, nothing filled; auto: looks and decides."
    ),
]
Normals = Annotated[
    Literal["auto", "use", "ignore"],
    typer.Option(help="Of the file: auto believes them if they agree with what is seen, use always, ignore never. Not needed."),
]
Sensor = Annotated[
    tuple[float, float, float] | None,
    typer.Option(metavar="X Y Z", help="Where the scanner stood, in the units of the scan: every point was seen from there."),
]
Threads = Annotated[int | None, typer.Option(help="Threads for training and evaluation; default: all cores.")]
Scheduler = Annotated[
    str | None, typer.Option(metavar="tcp://HOST:PORT", help="A Dask cluster that runs already, whose machines see the same folders.")
]
Device = Annotated[str, typer.Option(help="cpu or cuda (cuda is untested).")]
Points = Annotated[int | None, typer.Option(help="Points to take: a mesh is sampled (default 20,000), a cloud is thinned at random.")]
Azimuth = Annotated[float, typer.Option(help="Of the picture: degrees around the upright axis.")]
Elevation = Annotated[float, typer.Option(help="Of the picture: degrees above the horizon.")]
Up = Annotated[Literal["x", "y", "z", "-x", "-y", "-z"], typer.Option(help="What is up, in pictures and views.")]
Checkpoint = Annotated[
    Path | None, typer.Option(help="Where an interrupted training is kept and continued from; default: hidden beside the mesh.")
]
KeepAll = Annotated[bool, typer.Option("--keep-all", help="Keep pieces of the mesh that no point of the scan explains.")]
KeepOutliers = Annotated[
    bool,
    typer.Option("--keep-outliers", help="Keep points that stand apart from every surface. Points sampled from a mesh are kept anyway."),
]
Scan = Annotated[
    Path,
    typer.Argument(
        help="Points (.xyz .pts .txt .csv .pwn .ply .pcd .npy .npz .las .laz .e57) or a mesh to sample (.off .obj .stl .ply .glb)."
    ),
]
Truth = Annotated[Path | None, typer.Option(help="A mesh to compare with; the distances go into the report.")]
MaxMemory = Annotated[
    float | None,
    typer.Option("--max-memory", metavar="MB", help="Refuse a job that is predicted to take more, and say what would fit."),
]
Part = Annotated[
    int | None, typer.Option(help="The part with this label, of a field made with `reconstruct --labels`, in place of the whole.")
]
Labels = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="The column that says which part a point (of a mesh: a vertex) is of, in whole numbers, negative for none: a mesh a part. "
        "Its name, or its number (x is 1) in a table without names.",
    ),
]
PartGap = Annotated[
    float | None, typer.Option(help="Room between parts, in the units of the scan; default: a cell of the extraction grid.")
]
Model = Annotated[Path | None, typer.Option(help="Also keep the certified field, as .sdf.")]
Report = Annotated[Path | None, typer.Option(help="Also write the report, as JSON.")]
Cleaned = Annotated[Path | None, typer.Option(help="Also write the points that belong to the surface, by their trained score.")]
Picture = Annotated[Path | None, typer.Option(help="Also write a picture, as PNG.")]
View = Annotated[bool, typer.Option("--view", help="See the surface grow in a window; finish early there, if you like.")]
Web = Annotated[bool, typer.Option("--web", help="As --view, in a browser: prints the address; Ctrl-C ends it when all is done.")]
