"""Files that are complete or not there: write beside the target, then move into place."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError
from .source import shown_name

TEMPORARY = ".sdfshape-"  # how the names of what is not complete yet begin


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the place of `path` when the block ends well.

    The temporary file has a hidden unique name and the ending of `path`. It is flushed to the disk before it is moved,
    and removed when the block raises. A symbolic link is followed: the file it points at is replaced.

    Raises
    ------
    OutputError
        `path` exists without `overwrite`, is a directory or a device, or its folder is missing or not writable; also
        when the disk refuses a write inside the block.
    """
    target = _checked_target(path, overwrite=overwrite)
    temporary = _create_beside(target)
    try:
        yield temporary
        _flush(temporary)
        _move_into_place(temporary, target, overwrite=overwrite)
    except OSError as error:
        if error.filename not in (None, str(temporary), os.fspath(target)):
            raise  # the block failed on another file than ours: its own message is the true one
        reason = error.strerror or str(error)
        raise OutputError(f"{shown_name(target)}: cannot be written: {reason}") from error
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(target.parent)


def check_writable(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise the OutputError that `atomic_write` would raise; nothing is left behind. Call it before a long job."""
    target = _checked_target(path, overwrite=overwrite)
    _create_beside(target).unlink(missing_ok=True)


def _checked_target(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    name = shown_name(path)
    try:
        target = Path(os.path.realpath(path))
        mode = target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        _check_folder(target, name)
        return target
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{name}: cannot be written: {reason}: choose another name or folder") from error
    if stat.S_ISDIR(mode):
        raise OutputError(f"{name}: an output must be a file, this is a folder: add a file name")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{name}: an output must be a regular file, this is a device or a pipe: choose another name")
    if not overwrite:
        raise _exists(name)
    return target


def _exists(name: str) -> OutputError:
    return OutputError(f"{name} exists: pass --overwrite to replace it (in Python overwrite=True)")


def _check_folder(target: Path, name: str) -> None:
    if file := next((above for above in target.parents if above.is_file()), None):
        raise OutputError(f"{name}: the folder it goes to must be a folder, {shown_name(file)} is a file: choose another folder")
    if not target.parent.is_dir():
        raise OutputError(f"{name}: the folder {shown_name(target.parent)} must exist: create it first")


def _create_beside(target: Path) -> Path:
    temporary = target.parent / f"{TEMPORARY}{secrets.token_hex(8)}{target.suffix}"
    try:
        # O_EXCL: never write through a file or a link that somebody else put there
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise OutputError(
            f"{shown_name(target)}: the folder {shown_name(target.parent)} is not writable ({error.strerror}): choose another folder"
        ) from error
    return temporary


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _move_into_place(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
        return
    try:
        os.link(temporary, target)  # unlike a rename, a link fails when somebody made the target in the meantime
    except FileExistsError as error:
        raise _exists(shown_name(target)) from error
    except OSError:  # a file system without hard links
        temporary.replace(target)


def _flush_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # the file is in place; some network folders cannot be flushed
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
