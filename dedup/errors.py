"""Everything that dedup raises on purpose.

DedupError
├── InputError        the call or the input as a whole is unusable
├── ModelError        the embedding model cannot be loaded or is not what it should be
├── UnusableIndexError  an index is of another version or model, is broken, or is being written
├── ReportError       a report or gold file that was given is not one
├── MemoryLimitError  the memory that a run may hold does not suffice
└── WorkerError       a process that worked for this one was ended from outside

A fault of one record is never an exception: it is a :class:`dedup.model.Skipped`.
The command line turns any of these into one line on standard error and exit code 2.
"""

import errno


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


class MemoryLimitError(DedupError):
    """The memory that a run may hold, or that the system gives, does not suffice (:mod:`dedup.memory`)."""


class BrokenOff(BaseException):
    """Raised wherever a run is when it is to end: like an interrupt, nothing may take it for a fault."""


def is_fault(error: BaseException) -> bool:
    """Whether an error tells that something failed, and is no wish to end. A panic of a library in Rust (pyo3) is a
    fault, though it is no :class:`Exception`.
    """
    return not isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | BrokenOff)


def is_shortage(error: BaseException | None) -> bool:
    """Whether an error, or one that it came of, says that the system gave no more memory. That is no fault of the
    record or file that was worked on: who passes over such faults must not pass over this one.

    Python and most libraries raise MemoryError; the system's own calls fail with ENOMEM, and what torch or the loader
    of libraries makes of that is known by its words only.
    """
    while error is not None:
        told = str(error)
        if (
            isinstance(error, MemoryError)
            or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
            or (_is_of_a_library(error) and any(words in told for words in _SHORTAGE))
        ):
            return True
        error = error.__cause__
    return False


def let_shortage_pass(error: BaseException) -> None:
    """Raise an error again that :func:`is_shortage`: what is passed over are faults of the input only."""
    if is_shortage(error):
        raise error


def _is_of_a_library(error: BaseException) -> bool:
    """Whether it may be how a library says it; others may quote words of a record."""
    return isinstance(error, (RuntimeError, ImportError)) or type(error).__name__ == "ZstdError"


_SHORTAGE = (
    "can't allocate memory",
    "not enough memory",
    "Cannot allocate memory",
    "failed to map segment from shared object",
    "std::bad_alloc",
    "can't start new thread",
)
"""torch (two ways, zstd in the words of one), the loader of libraries, C++, and threads, which need a stack each."""


def one_line(error: BaseException) -> str:
    """What an error says, in one line; of those that others raise, with its type."""
    told = str(error) if isinstance(error, DedupError) else f"{type(error).__name__}: {error}"
    return " ".join(told.split())
