"""Pictures one after another: GIF and MP4 files."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io import atomic_write
from ..types import IntArray

FRAMES_A_SECOND = 15.0
EVEN = 2  # the codec takes pictures of even width and height


def write_gif(
    images: list[IntArray], path: str | PathLike[str], *, frames_a_second: float = FRAMES_A_SECOND, overwrite: bool = False
) -> None:
    """Write pictures (height, width, 3) uint8 as a film that begins again. Raises InputError for none, OutputError where it cannot."""
    from PIL import Image

    _require_some(images)
    first, *others = (Image.fromarray(image) for image in images)
    with atomic_write(path, overwrite=overwrite) as temporary:
        first.save(temporary, format="GIF", save_all=True, append_images=others, duration=round(1000 / frames_a_second), loop=0)


def write_mp4(
    images: list[IntArray], path: str | PathLike[str], *, frames_a_second: float = FRAMES_A_SECOND, overwrite: bool = False
) -> None:
    """Write pictures (height, width, 3) uint8 as an H.264 film; an odd last row or column is left out.

    Raises InputError for no picture or without the package imageio-ffmpeg, OutputError where it cannot write.
    """
    _require_some(images)
    require_film()
    import imageio_ffmpeg

    height, width = (length - length % EVEN for length in images[0].shape[:2])
    with atomic_write(path, overwrite=overwrite) as temporary:
        beside = Path(temporary).with_suffix(".mp4")  # ffmpeg asks for the ending
        film = imageio_ffmpeg.write_frames(str(beside), (width, height), fps=frames_a_second, macro_block_size=EVEN, quality=8)
        film.send(None)
        for image in images:
            film.send(np.ascontiguousarray(image[:height, :width]))
        film.close()
        beside.replace(temporary)


def require_film() -> None:
    """Raise InputError unless MP4 can be written."""
    try:
        import imageio_ffmpeg  # noqa: F401
    except ImportError as error:
        raise InputError('a .mp4 film needs the package imageio-ffmpeg, which is not installed: pip install "sdfshape[video]"') from error


def _require_some(images: list[IntArray]) -> None:
    if not images:
        raise InputError("a film must have pictures, got none")
