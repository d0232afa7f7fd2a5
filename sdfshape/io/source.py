"""The bytes of a regular file, and its name as it may be shown in a one-line message."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

MAX_FILE_BYTES = 4 << 30  # the whole file is held in memory, and its arrays beside it


def shown_name(path: str | os.PathLike[str]) -> str:
    """The last part of `path`, printable in one line whatever its bytes are."""
    text = os.fsdecode(path)
    name = Path(text).name or text
    return name if name.isprintable() else repr(name)


def shown_token(token: bytes) -> str:
    """A word of a file, quoted, shortened and free of control characters."""
    shown = repr(token[:24].decode("ascii", "backslashreplace"))
    return shown + ("..." if len(token) > 24 else "")


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The content of a regular, non-empty file.

    Raises
    ------
    InputError
        The file is missing, empty, unreadable, a folder, a device or a pipe, or larger than `MAX_FILE_BYTES`. The
        message does not repeat the file name: `reading` puts it in front of every error.
    """
    status = check_file(path)
    if status.st_size > MAX_FILE_BYTES:
        gib = status.st_size / (1 << 30)
        raise InputError(f"a file must be at most {MAX_FILE_BYTES >> 30} GiB, this one has {gib:.1f}: thin or split it first")
    with _one_line_errors(path):
        return Path(os.fsdecode(path)).read_bytes()


def check_file(path: str | os.PathLike[str]) -> os.stat_result:
    """The status of a regular, non-empty file that can be opened; raises InputError as `read_bytes` does."""
    with _one_line_errors(path):
        status = os.stat(path)  # noqa: PTH116  (Path would choke on a byte path)
        refuse_folder(status.st_mode)
        if not stat.S_ISREG(status.st_mode):
            raise InputError("an input must be a regular file, this is a device or a pipe: save it to a file first")
        if status.st_size == 0:
            raise InputError("a file must hold something, this one is empty (0 bytes): copy or export it again")
        with Path(os.fsdecode(path)).open("rb"):
            return status


@contextmanager
def _one_line_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"there is no such file in {Path(os.fsdecode(path)).parent}: check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the file cannot be read ({reason}): check its path and rights") from error


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_folder(mode: int) -> None:
    """Raise InputError if the mode of a path's status is that of a folder."""
    if stat.S_ISDIR(mode):
        raise InputError("an input must be a file, this is a folder: name a file in it")
