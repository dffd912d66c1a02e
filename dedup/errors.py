"""Everything that dedup raises on purpose.

DedupError
├── InputError        the call or the input as a whole is unusable
├── ModelError        the embedding model cannot be loaded or is not what it should be
├── UnusableIndexError  an index is of another version or model, is broken, or is being written
├── ReportError       a report or gold file that was given is not one
└── WorkerError       a process that worked for this one was ended from outside

A fault of one record is never an exception: it is a :class:`dedup.model.Skipped`.
The command line turns any of these into one line on standard error and exit code 2.
"""


class DedupError(Exception):
    """Base of all errors that dedup raises on purpose; its text is one line that a user understands."""


class InputError(DedupError):
    """The call or the input as a whole is unusable: a missing path, a wrong option, nothing to read."""


class ModelError(DedupError):
    """The embedding model cannot be loaded, or is not what its digest says."""


class UnusableIndexError(DedupError):
    """An index of known records cannot be used: it is none, of another version, made with other settings or another
    model, broken, or being written by another process. The text says how to go on.
    """


class ReportError(DedupError):
    """A file that should hold a report or gold clusters does not."""


class WorkerError(DedupError):
    """A process that worked for this one was ended from outside; systems that run out of memory do that."""


def is_fault(error: BaseException) -> bool:
    """Whether an error tells that something failed, and is no wish to end. A panic of a library in Rust (pyo3) is a
    fault, though it is no :class:`Exception`.
    """
    return not isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)


def one_line(error: BaseException) -> str:
    """What an error says, in one line; of those that others raise, with its type."""
    told = str(error) if isinstance(error, DedupError) else f"{type(error).__name__}: {error}"
    return " ".join(told.split())
