"""ModelNet10 from where its authors keep it. Its size and the numbers of its shapes are checked; the checksum where one is told.

No checksum of the archive is published: the entries have their own, which unpacking compares, and ours of the whole is told at the end,
to be given as --sha256 the next time.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError, OutputError
from ..io.archives import unpack_zip
from ..io.atomic import TEMPORARY
from ..io.modelnet import SPLITS, iter_modelnet10

MODELNET10 = "http://3dvision.princeton.edu/projects/2014/3DShapeNets/ModelNet10.zip"
SHAPES = {"train": 3991, "test": 908}  # Wu et al. 2015, as the data set's page and its loaders say
LARGEST, CHUNK, PATIENCE = 2 << 30, 1 << 20, 30  # bytes; bytes; seconds without a byte


def fetch_modelnet10(
    folder: Path, *, url: str = MODELNET10, sha256: str | None = None, progress: Callable[[int, int], None] = lambda *_: None
) -> str:
    """Download and unpack into `folder`, which must not exist; returns the SHA-256 of the archive. progress(bytes, of bytes or 0).

    Raises InputError where there is no internet, or what came is another archive; OutputError where it cannot be written.
    """
    if folder.exists():
        raise OutputError(f"{folder}: the folder to unpack to must not exist yet: choose another, or remove it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder.parent))
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}: choose another") from error
    try:
        found = _download(url, beside / "ModelNet10.zip", progress)
        if sha256 is not None and found != sha256.lower():
            raise InputError(f"{url}: the archive must have the SHA-256 {sha256}, it has {found}: it is another one, or damaged")
        unpack_zip(beside / "ModelNet10.zip", beside / "unpacked")
        _check_shapes(beside / "unpacked", url)
        (beside / "unpacked").rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return found


def _check_shapes(folder: Path, url: str) -> None:
    root = modelnet_root(folder)
    for split in SPLITS:
        if (count := sum(1 for _ in iter_modelnet10(root, split))) != SHAPES[split]:
            raise InputError(f"{url}: ModelNet10 must have {SHAPES[split]} shapes to {split}, the archive has {count}: it is another one")


def modelnet_root(folder: Path) -> Path:
    """The folder that holds the ten classes: this one, or ModelNet10 in it."""
    inside = folder / "ModelNet10"
    return inside if inside.is_dir() else folder


def _download(url: str, archive: Path, progress: Callable[[int, int], None]) -> str:
    digest, got = hashlib.sha256(), 0
    try:
        reply = urllib.request.urlopen(url, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        raise InputError(f"{url}: the server must have the archive, it answers {error.code} {error.reason}: name another --url") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        law = "there must be a way to this address"
        reason = getattr(error, "reason", error)
        raise InputError(f"{url}: {law}, there is none ({reason}): fetch it elsewhere, unpack it, and name the folder") from error
    with reply, archive.open("wb") as file:
        size = int(reply.headers.get("Content-Length") or 0)
        while chunk := _chunk(reply, url):
            got += len(chunk)
            if got > LARGEST:
                raise InputError(f"{url}: an archive must have at most {LARGEST >> 30} GB, more came: it is another one")
            digest.update(chunk)
            file.write(chunk)
            progress(got, size)
    if size and got != size:
        raise InputError(f"{url}: {size:,} bytes were promised, {got:,} came: try again")
    return digest.hexdigest()


def _chunk(reply: http.client.HTTPResponse, url: str) -> bytes:
    try:
        return reply.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise InputError(f"{url}: the whole archive must come, the connection broke ({error}): try again") from error
