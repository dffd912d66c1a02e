"""What a user can set about the detection itself, and the defaults.

Values that a script measured live in :mod:`dedup.calibration`; here are choices.
"""

from dataclasses import dataclass, field, fields

from dedup.errors import InputError

AUTO, ALWAYS, NEVER = CONFIRM = ("auto", "always", "never")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a run. Raises :class:`InputError` where a value makes no sense.

    Every one of them is stamped into the report: equal records and equal settings give equal bytes.
    """

    threshold: float = 0.5
    """Probability (0 to 1) from which a pair counts as the same article."""
    model: str = "bundled"
    """``bundled`` (multilingual-e5-small, offline), ``table`` (its token table, no transformer), or a
    sentence-transformers name or folder."""
    confirm: str = "auto"
    """Which pairs the model looks at: ``auto`` (those that the token table leaves open, see :mod:`dedup.consult`),
    ``always`` (all: every record meets it; so it is with ``auto``,
    too, for any model but the bundled one), ``never`` (none: the table decides)."""
    calibration: str = "shipped"
    """``shipped`` (the one that comes with the bundled model; without one a run makes do with its own language means),
    or a folder that ``dedup calibrate`` wrote."""
    shingle_size: int = 5
    """Characters in a shingle. Words would break on Chinese, Japanese, Thai; 5 is the peers' usual."""
    permutations: int = 128
    """Values in a MinHash signature; the standard error of a Jaccard estimate is at most 0.044."""
    bands: int = 32
    """Bands a signature is cut into: pairs at Jaccard 0.38 share one with probability 1/2."""
    seed: int = 1
    """Seed of the MinHash permutations."""
    neighbours: int = 10
    """Nearest articles by vector that become candidates: as many in the own language, and as many in others, which take
    turns."""
    max_segments: int = 128
    """Segments of a record that are embedded; what lies beyond is counted in the report."""
    batch_size: int = field(default=64, metadata={"affects_result": False})
    """Segments that the model encodes at once: speed only."""
    workers: int = field(default=1, metadata={"affects_result": False})
    """Processes that sketch records: speed only. A program that asks for several must be importable, as
    :mod:`multiprocessing` wants it (``if __name__ == "__main__"``)."""

    def __post_init__(self) -> None:
        """Refuse values that make no sense; those of a report or an index may be of any type."""
        for setting in fields(self):
            kind, value = type(setting.default), getattr(self, setting.name)
            if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
                raise InputError(f"{setting.name} is of type {kind.__name__}, so it cannot be {value!r}")
        if not 0.0 < self.threshold < 1.0:
            raise InputError(f"threshold is a probability between 0 and 1, not {self.threshold}")
        if self.confirm not in CONFIRM:
            raise InputError(f"confirm is one of {', '.join(CONFIRM)}, not {self.confirm!r}")
        for name in ("shingle_size", "permutations", "bands", "neighbours", "max_segments", "batch_size", "workers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.permutations % self.bands:
            raise InputError(f"permutations ({self.permutations}) must be a multiple of bands ({self.bands})")

    def stamped(self) -> dict[str, str | int | float | bool]:
        """The settings that can change a result, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.metadata.get("affects_result", True)}
