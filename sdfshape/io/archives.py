"""Unpacking zip files of others: nothing is written outside of the folder, no links, no devices, nothing larger than promised."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..errors import InputError, OutputError
from .atomic import TEMPORARY
from .source import shown_name

LARGEST, MOST_FILES = 8 << 30, 200_000  # bytes, unpacked, of all; entries
CLUTTER = ("__MACOSX", ".DS_Store")
COPY = 1 << 20  # bytes at a time


def unpack_zip(archive: str | os.PathLike[str], folder: str | os.PathLike[str]) -> list[Path]:
    """Unpack into `folder`, which must not exist; it appears when all is there. Returns the files.

    Raises InputError for an archive that is damaged, too large, encrypted or has entries that lead out of the folder, or are no files;
    OutputError where the folder exists or cannot be written.
    """
    target, name = Path(folder), shown_name(archive)
    if target.exists():
        raise OutputError(f"{target}: the folder to unpack to must not exist yet: choose another, or remove it")
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not set(CLUTTER) & set(PurePosixPath(entry.filename).parts)]
            _check(entries, name)
            return _unpack_all(opened, entries, target)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, UnicodeDecodeError, struct.error, EOFError, NotImplementedError) as error:
        raise InputError(f"{name}: an archive must be a whole zip file, it is not ({error}): fetch it again") from error
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: there is no such file") from error
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error


def _check(entries: list[zipfile.ZipInfo], name: str) -> None:
    total = sum(entry.file_size for entry in entries)
    if total > LARGEST or len(entries) > MOST_FILES:
        raise InputError(f"{name}: an archive must hold at most {LARGEST >> 30} GB in {MOST_FILES:,} files, it promises {total >> 20:,} MB")
    names = [PurePosixPath(entry.filename) for entry in entries if not entry.is_dir()]
    if len(set(names)) < len(names) or set(names) & {above for inner in names for above in inner.parents}:
        raise InputError(f"{name}: an archive must hold every file once, and none where a folder is: do not trust it")
    for entry in entries:
        parts, kind = PurePosixPath(entry.filename).parts, stat.S_IFMT(entry.external_attr >> 16)
        leaves = (
            entry.filename.startswith("/") or ".." in parts or "\\" in entry.filename or ":" in entry.filename or "\0" in entry.filename
        )
        if leaves or kind not in (0, stat.S_IFREG, stat.S_IFDIR) or entry.flag_bits & 1:
            law = "hold plain files below one folder, not encrypted"
            raise InputError(f"{name}: an archive must {law}, it has {entry.filename[:80]!r}: do not trust it")


def _unpack_all(opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo], target: Path) -> list[Path]:
    """Beside the folder, then renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=target.parent))
    try:
        for entry in entries:
            path = beside / entry.filename
            if entry.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(entry) as packed, path.open("xb") as file:
                _copy(packed, file, entry)
        beside.chmod(0o755)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return sorted(path for path in target.rglob("*") if path.is_file())


def _copy(packed, file, entry: zipfile.ZipInfo) -> None:  # type: ignore[no-untyped-def]
    """The bytes of an entry, and no more than it promised: the checksum is compared at the end by zipfile."""
    left = entry.file_size
    while chunk := _read(packed):
        left -= len(chunk)
        if left < 0:
            raise zipfile.BadZipFile(f"{entry.filename[:80]} is larger than promised")
        file.write(chunk)


def _read(packed) -> bytes:  # type: ignore[no-untyped-def]
    try:
        return bytes(packed.read(COPY))
    except OSError as error:  # bzip2 says so of damaged bytes
        raise zipfile.BadZipFile(str(error)) from error
