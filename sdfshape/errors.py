"""Everything that can go wrong, by name.

The text of an error says three things in one line: the law, what came instead, and what to do. The command line prints that
line and ends with exit code 1; no traceback, nothing half-written.
"""


class SdfShapeError(Exception):
    """Base of all errors a user can cause or meet."""


class InputError(SdfShapeError):
    """A file or an array that breaks the law of its format or of this program."""


class ParameterError(InputError, ValueError):
    """A parameter of a detector that breaks its law: a ValueError too, as scikit-learn's callers expect."""


class OutputError(SdfShapeError):
    """A result that cannot be written where it was asked for."""


class DegenerateCloudError(InputError):
    """Points without a volume: too few of them, all equal, on a line, or in a plane."""


class EmptySurfaceError(SdfShapeError):
    """A level set that does not exist: the iso value is outside the range of the field."""


class FieldFileError(InputError):
    """A field file that is damaged, or whose weights do not honour the certificate it carries."""


class TrainingInterrupted(SdfShapeError):
    """The user stopped the training; `checkpoint` is where it can be resumed, or None."""

    def __init__(self, message: str, checkpoint: str | None = None) -> None:
        super().__init__(message)
        self.checkpoint = checkpoint
