"""LZF, the compression of PCD files (Marc Lehmann's liblzf), decoding only."""

from __future__ import annotations

from ..errors import InputError

MAX_RATIO = 264 / 3  # three bytes name at most 264


def lzf_decode(packed: bytes, size: int) -> bytes:
    """The `size` bytes that `packed` stands for.

    A control byte below 32 begins a run of literals; any other is a copy of 3 to 264 bytes from up to 8192 bytes back.

    Raises
    ------
    InputError
        A run or a copy leaves its buffer, or the result does not have `size` bytes.
    """
    out = bytearray()
    at, end = 0, len(packed)
    while at < end:
        control = packed[at]
        at += 1
        if control < 32:
            out += packed[at : at + control + 1]
            at += control + 1
            if at > end:
                raise _damaged(f"a run of literals ends {at - end} bytes behind the data")
            continue
        length = control >> 5
        if at + (2 if length == 7 else 1) > end:
            raise _damaged("the data ends in the middle of a copy")
        if length == 7:
            length += packed[at]
            at += 1
        begin = len(out) - ((control & 31) << 8) - packed[at] - 1
        at += 1
        if begin < 0:
            raise _damaged("a copy begins before the data")
        _copy(out, begin, length + 2)
        if len(out) > size:
            break
    if len(out) != size:
        raise _damaged(f"it should give {size} bytes, it gives {'more' if len(out) > size else len(out)}")
    return bytes(out)


def _copy(out: bytearray, begin: int, length: int) -> None:
    chunk = out[begin : begin + length]
    if len(chunk) < length:  # the copy overlaps its own result: what is there repeats
        chunk = (chunk * (length // len(chunk) + 1))[:length]
    out += chunk


def _damaged(what: str) -> InputError:
    return InputError(f"compressed data must be sound, {what}: the file is damaged; copy it again")
