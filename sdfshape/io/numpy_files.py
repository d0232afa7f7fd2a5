"""NPY and NPZ. The header is read by its own small grammar: nothing is evaluated, nothing is unpickled."""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ..errors import InputError, OutputError
from ..types import PointCloud
from .columns import as_colors, content_from_table
from .content import Content
from .number_table import as_integers
from .source import shown_token

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    rb"\{\s*'descr':\s*'([<>|=])([a-zA-Z])(\d{1,3})',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(((?:\d{1,20}L?,\s*)*(?:\d{1,20}L?)?)\),?\s*\}\s*"
)
_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}
_MAX_HEADER_BYTES = 1 << 16
_FREE_BYTES = 64 << 20  # entries up to this size are read whatever their ratio
_MAX_RATIO = 200  # scans deflate to a half or a tenth; only constant data shrinks like this
# all that zipfile raises on damaged, encrypted or exotic archives
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    OverflowError,
)
_POINT_KEYS = ("points", "xyz", "vertices", "pos")


def read_npy(data: bytes, label_column: str | None = None) -> Content:
    """An (n, k) array of numbers, k >= 3; the columns behind x y z mean what they mean in a text file without
    header."""
    return content_from_table(_table(_array(data), "the array"), label_column)


def read_npz(data: bytes, label_column: str | None = None) -> Content:
    """The arrays points (or xyz, vertices, pos), normals, colors, intensity and labels (or `label_column`)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            key = next((k for k in _POINT_KEYS if k in entries), None)
            if key is None:
                raise InputError(f"an .npz must have an array points, xyz, vertices or pos, it has {_listed(entries)}: rename one")
            if label_column is not None and label_column not in entries:
                raise InputError(f"the label column must be one of {_listed(entries)}, got {label_column!r}")
            wanted = (key, "normals", "colors", "intensity", label_column or "labels")
            arrays = {k: _array(_unpacked(archive, entries[k])) for k in wanted if k in entries}
    except _ZIP_ERRORS as error:
        raise InputError(f"an .npz must be a sound zip archive, {_one_line(error)}: the file is damaged; copy it again") from error
    return _content(arrays, key, label_column or "labels")


def read_npz_arrays(data: bytes, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The arrays of these names; raises InputError where one is missing or damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            missing = [name for name in names if name not in entries]
            if missing:
                raise InputError(f"an .npz must have the arrays {', '.join(names)} here, it has {_listed(entries)}: rename one")
            return {name: _array(_unpacked(archive, entries[name])) for name in names}
    except _ZIP_ERRORS as error:
        raise InputError(f"an .npz must be a sound zip archive, {_one_line(error)}: the file is damaged; copy it again") from error


def _content(arrays: dict[str, np.ndarray], key: str, label_key: str) -> Content:
    points = _table(arrays[key], key)
    n = len(points)
    if points.shape[1] != 3:
        raise InputError(f"{key} must be (n, 3), got {points.shape}: store other columns as normals, colors, labels, intensity")
    for name, shape in (("normals", (n, 3)), ("colors", (n, 3)), ("intensity", (n,)), (label_key, (n,))):
        if name in arrays and arrays[name].shape != shape:
            raise InputError(f"{name} must be {shape} like the points, got {arrays[name].shape}: store one row a point")
    normals, colors, intensity, labels = (arrays.get(name) for name in ("normals", "colors", "intensity", label_key))
    return Content(
        points=points,
        normals=None if normals is None else normals.astype(np.float64),
        colors=None if colors is None else as_colors(colors),
        labels=None if labels is None else as_integers(labels, label_key),
        intensity=None if intensity is None else intensity.astype(np.float64),
    )


def _table(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim != 2 or array.shape[1] < 3:
        raise InputError(f"{name} must be (n, 3) or wider, got {array.shape}: reshape it")
    return array.astype(np.float64)


def _array(data: bytes) -> np.ndarray:
    """The array of an NPY file, once its header was found to promise exactly the bytes behind it."""
    major = data[6] if len(data) > 6 else 0
    if not data.startswith(_MAGIC) or major not in (1, 2, 3) or len(data) < 12:
        raise InputError(f"an NPY file must begin with \\x93NUMPY and a version of 1 to 3, got {shown_token(data[:8])}: save it again")
    begin = 10 if major == 1 else 12
    length = int.from_bytes(data[8:begin], "little")
    header = data[begin : begin + length]
    if len(header) < length or length > _MAX_HEADER_BYTES:
        raise InputError(f"the NPY header must have {length} bytes, the file has {len(data) - begin}: it is truncated; copy it again")
    match = _HEADER.fullmatch(header)
    kind = f"{match[2].decode()}{int(match[3])}" if match else ""
    if match is None or kind not in _NUMBERS:
        shown = shown_token(re.sub(rb"^\{\s*'descr':\s*", b"", header).split(b", 'fortran")[0])
        raise InputError(f"an array must hold plain numbers, this one holds {shown} (objects, text, complex or records): save floats")
    shape = tuple(map(int, re.findall(rb"\d+", match[5])))
    return _filled(data, begin + length, np.dtype(match[1].decode().replace("|", "=") + kind), shape, match[4] == b"True")


def _filled(data: bytes, at: int, dtype: np.dtype, shape: tuple[int, ...], is_fortran: bool) -> np.ndarray:
    promised, held = math.prod(shape) * dtype.itemsize, len(data) - at
    if promised != held or len(shape) > 8 or max(shape, default=0) > 2**62:
        advice = "it is truncated; copy it again" if promised > held else "save it again"
        shown = f"{promised} bytes" if promised < 10**24 else "more bytes than any disk has"
        raise InputError(f"the NPY header promises {shown} of numbers, the file holds {held}: {advice}")
    array = np.frombuffer(data, dtype, offset=at) if promised else np.zeros(0, dtype)
    array = array.astype(dtype.newbyteorder("="))
    return array.reshape(shape, order="F" if is_fortran else "C")


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of one entry; refuses one that claims to unpack to far more than scans do."""
    if info.file_size > _FREE_BYTES and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
        raise InputError(
            f"an .npz array must unpack to at most {_MAX_RATIO} times its size, {info.filename[:24]!r} claims "
            f"{info.file_size} bytes "
            f"from {info.compress_size}: if you trust it, save it again uncompressed"
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"an .npz must be stored or deflated, {info.filename[:24]!r} is packed otherwise: save it again with numpy")
    with archive.open(info) as entry:
        head = entry.read(_MAX_HEADER_BYTES)
        return head + entry.read(max(info.file_size - len(head), 0))


def _listed(entries: dict[str, zipfile.ZipInfo]) -> str:
    names = [ascii(name[:24])[1:-1] for name in entries]
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") if names else "none"


def _one_line(error: Exception) -> str:
    return " ".join(ascii(str(error))[1:-1].split())[:120] or type(error).__name__


def write_npy(cloud: PointCloud, path: Path) -> None:
    """The (n, 3) float64 points, or (n, 6) with normals; raises OutputError where another column would be lost."""
    if more := cloud.scan_columns:
        raise OutputError(f"NPY holds points and normals only, these have {' and '.join(more)}: write .npz or .ply")
    table = cloud.points if cloud.normals is None else np.hstack([cloud.points, cloud.normals])
    with path.open("wb") as file:
        np.save(file, table, allow_pickle=False)


def write_npz(cloud: PointCloud, path: Path) -> None:
    """Arrays points, normals, colors, labels and intensity, as far as the cloud has them; not compressed: scans hardly shrink."""
    columns = {"points": cloud.points, "normals": cloud.normals, **cloud.scan_columns}
    with path.open("wb") as file:
        # later stubs name a flag of savez beside the arrays; earlier numpy would store that flag as an array
        np.savez(file, **{k: v for k, v in columns.items() if v is not None})  # type: ignore[arg-type]
