"""The field that a command works on: the whole, or one of its parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..field import CertifiedField


def field_or_part(path: Path, part: int | None) -> CertifiedField:
    """The field of a file, or that of the part with this label. Raises FieldFileError, and InputError for an unknown label."""
    if part is None:
        from ..field import load_field

        return load_field(path)
    from ..parts import load_parts

    return load_parts(path)[part]
