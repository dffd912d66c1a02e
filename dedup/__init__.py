"""dedup finds the records that carry the same article: copied, edited, or translated.

    from dedup import Record, Settings, find_clusters

    report = find_clusters([Record("a", "…"), Record("b", "…")], Settings(threshold=0.5))

The run is told in :mod:`dedup.pipeline`, the values that travel through it in :mod:`dedup.model`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from dedup.errors import DedupError, InputError, ModelError, ReportError
from dedup.settings import Settings

if TYPE_CHECKING:
    from dedup.model import Cluster, Conflict, Evidence, Link, Record, Relation, Report, Skipped, WholeReport
    from dedup.pipeline import find_clusters

__version__ = "0.1.0"

__all__ = [
    "Cluster",
    "Conflict",
    "DedupError",
    "Evidence",
    "InputError",
    "Link",
    "ModelError",
    "Record",
    "Relation",
    "Report",
    "ReportError",
    "Settings",
    "Skipped",
    "WholeReport",
    "find_clusters",
]


def __getattr__(name: str) -> object:
    """Imports the rest at its first use: ``dedup --help`` need not wait for numpy and what comes with it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "dedup.pipeline" if name == "find_clusters" else "dedup.model"
    return getattr(import_module(home), name)
