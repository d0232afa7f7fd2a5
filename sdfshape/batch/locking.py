"""One batch at a time in a folder, and a sign of life: the lock goes with the process that holds it, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError


def lock_of(folder: Path) -> Path:
    """The file whose lock is held while somebody works in a folder."""
    return folder / ".batch.lock"


@contextmanager
def locked(output: Path) -> Iterator[Path]:
    """The folder, made if need be, for one process at a time. Raises OutputError where it cannot be written, or another works in it."""
    import fcntl

    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = lock_of(output).open("a")
    except OSError as error:
        raise OutputError(f"{output}: the output must be a folder that can be written, it cannot: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"{output}: one command at a time must work in a folder, another one does: wait for it, or choose another"
            ) from error
        except OSError as error:
            raise OutputError(
                f"{output}: the output must be on a file system with locks, it is not ({error.strerror}): choose another"
            ) from error
        for left in output.glob(".stop-*"):
            left.unlink(missing_ok=True)
        yield output.resolve()


def is_abandoned(lock: Path | None) -> bool:
    """Whether nobody holds this lock any more: the process that gave out the work has gone, and nobody waits for it."""
    if lock is None:
        return False
    import fcntl

    try:
        with lock.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except OSError:  # held; or not to be seen for a moment
        return False
