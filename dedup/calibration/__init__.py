"""How the vectors of a model are to be read: numbers, and where they came from.

Named by the first 12 digits of the model's digest: a ``.json`` holds weights and norms with their provenance (data,
split, command, date, how many pairs come out right), a ``.npz`` the language centroids. Those of the bundled model lie
here, computed by scripts/calibrate.py; ``dedup calibrate`` computes such files for any model. A model without them
gets :func:`from_run`.

A run imports this module only. How calibrations are made:

    corpus.py   records with gold, from files
    split.py    which articles are fitted to, which are kept for measuring
    pairs.py    pairs of articles with their answers
    compute.py  centroids, norms, coverage, outcomes: what both commands share
    fit.py      weights of evidence from pairs
    levels.py   probabilities that hold, from the pairs that runs propose
    adapt.py    a calibration for any model from corpora that may be small: dedup calibrate
    store.py    the two files
"""

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from dedup.encoders.bundled import WEIGHTS_SHA256 as BUNDLED_DIGEST
from dedup.errors import InputError, ModelError
from dedup.model import Vectors

if TYPE_CHECKING:
    from dedup.encoders import Encoder

SHIPPED = "shipped"
"""The setting that asks for the calibration that ships for the model, if there is one."""

SAME_LANGUAGE, CJK, SAME_SCRIPT, OTHER_SCRIPT = SORTS = ("same language", "CJK", "same script", "other script")
"""Sorts of pair (:func:`dedup.evidence.sort_of`): each has weights of its own, since they differ in what can be
compared (wording, names) and in what translation keeps (Chinese, Japanese and Korean rescale figures)."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a number adds to the log-odds: straight lines between points, level outside them.

    ``at`` ascends; level ends keep a value that calibration never met from deciding on its own.
    """

    at: tuple[float, ...]
    weight: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.at or len(self.at) != len(self.weight) or list(self.at) != sorted(self.at):
            raise ValueError("a curve has as many weights as numbers, one at least, and these ascend")

    def __call__(self, value: float) -> float:
        """The weight of a value."""
        return float(np.interp(value, self.at, self.weight))


@dataclass(frozen=True, slots=True)
class Weights:
    """How the numbers of one sort of pair add up: an additive logistic model."""

    prior: float
    """Log-odds of a candidate pair of which nothing more is known."""
    curves: Mapping[str, Curve]
    """By the name of a number, see :mod:`dedup.evidence`."""


@dataclass(frozen=True, slots=True)
class Level:
    """What turns the log-odds of one sort of pair into those of a probability that holds: slope and offset.

    Platt 1999, "Probabilistic outputs for support vector machines"; see :mod:`dedup.calibration.levels`.
    """

    slope: float = 1.0
    offset: float = 0.0


AS_FITTED = Level()


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the vectors of one model are to be read."""

    name: str
    """How reports name it."""
    centroids: Mapping[str, NDArray[np.float32]]
    """Language -> mean segment vector, shape (dimensions,)."""
    default_centroid: NDArray[np.float32]
    """For a language that is not among them: the mean of the centroids."""
    length_norms: Mapping[str, float]
    """Language -> log of a text's width relative to its English version."""
    figure_documents: Mapping[str, float]
    """Figure -> articles that state it, of ``articles`` articles; those in fewer than three are not listed."""
    figure_shapes: Mapping[str, float]
    """Shape of a figure (:func:`shape`) -> articles that state one figure of this shape, on average over all."""
    articles: int
    weights: Mapping[str, Weights]
    """By sort of pair."""
    source_url_weight: float
    """Log-odds that a shared source URL adds."""
    partner_similarity: float
    """Cosine from which a segment has found its partner."""
    levels: Mapping[str, Level] = field(default_factory=dict)
    """By sort of pair; one that is not listed stays as it was fitted."""
    _shapes: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The rarities of shapes that were asked for, which are few."""

    def centroid(self, language: str) -> NDArray[np.float32]:
        """The mean segment vector of a language, shape (dimensions,); of all languages for one that is not known."""
        return self.centroids.get(language, self.default_centroid)

    def length_norm(self, language: str) -> float:
        """Log of a text's width relative to its English version; 0 for a language that is not known."""
        return self.length_norms.get(language, 0.0)

    def level(self, sort: str) -> Level:
        """Of a sort of pair."""
        return self.levels.get(sort, AS_FITTED)

    def rarity(self, figure: str) -> float:
        """Inverse document frequency of a figure, in nats: log(articles / articles that state it).

        One that was not seen often enough to count is taken to be as frequent as figures of its shape are.
        """
        known = self.figure_documents.get(figure)
        return self._rarity_of(known) if known else self._rarity_of_shape(shape(figure))

    def _rarity_of_shape(self, name: str) -> float:
        if name not in self._shapes:
            self._shapes[name] = self._rarity_of(self.figure_shapes.get(name, 0.0))
        return self._shapes[name]

    def _rarity_of(self, documents: float) -> float:
        return math.log(self.articles / max(documents, RAREST))


RAREST = 0.02
"""Articles that state a figure, below which rarer says no more: at 398 articles a rarity of 9.9."""


def shape(figure: str) -> str:
    """What figures that are alike have in common: "year", or the number of digits and of zeros at their end."""
    if len(figure) == 4 and figure.startswith(("19", "20")):
        return "year"
    return f"{len(figure)}/{len(figure) - len(figure.rstrip('0'))}"


@cache
def shipped(digest: str) -> Calibration | None:
    """The calibration that ships for the model with this digest, or None."""
    return load(files("dedup.calibration"), digest)


def given(setting: str, encoder: "Encoder") -> Calibration | None:
    """The calibration of a model in the folder that ``Settings.calibration`` names, or None where that is ``shipped``.

    Raises :class:`InputError` where the folder holds none for this model, or one of other evidence than this version
    weighs.
    """
    if setting == SHIPPED:
        return None
    if not Path(setting).is_dir():
        raise InputError(f"calibration {setting!r} is no folder")
    calibration = load(Path(setting), encoder.digest)
    if calibration is None:
        raise InputError(
            f"{setting} holds no calibration of {encoder.name} ({encoder.digest[:12]}.json): dedup calibrate makes one"
        )
    if _evidence(calibration) != _evidence(for_bundled()):
        raise InputError(f"{setting}: a calibration for other evidence than this version weighs: calibrate again")
    return calibration


def _evidence(calibration: Calibration) -> dict[str, frozenset[str]]:
    return {kind: frozenset(weights.curves) for kind, weights in calibration.weights.items()}


def load(folder: Traversable, digest: str) -> Calibration | None:
    """The calibration for the model with this digest in a folder, or None. Raises :class:`InputError` where its files
    are not what :mod:`dedup.calibration.store` writes.
    """
    numbers, centroids = (folder / f"{digest[:12]}{ending}" for ending in (".json", ".npz"))
    if not numbers.is_file():
        return None
    with _faults_of(numbers):
        content = msgspec.json.decode(numbers.read_bytes(), type=_Numbers)
    with _faults_of(centroids):
        means = _means_in(centroids)
    return Calibration(
        centroids=means,
        default_centroid=np.mean(list(means.values()), axis=0, dtype=np.float32),
        **msgspec.structs.asdict(content),
    )


class _Numbers(msgspec.Struct, kw_only=True):
    """What the ``.json`` holds besides its provenance: fields of :class:`Calibration`. Numbers of JSON are finite."""

    name: str
    articles: Annotated[int, msgspec.Meta(ge=1)]
    partner_similarity: float
    source_url_weight: float
    weights: dict[str, Weights]
    levels: dict[str, Level]
    length_norms: dict[str, float]
    figure_shapes: dict[str, float | int]
    figure_documents: dict[str, float | int]


def _means_in(archive: Traversable) -> dict[str, NDArray[np.float32]]:
    """The centroids: language -> vector, of the same dimensions all. Raises :class:`ValueError` where they are not."""
    with archive.open("rb") as opened:
        arrays = np.load(opened, allow_pickle=False)
        languages, means = arrays["languages"], arrays["centroids"]
    if languages.ndim != 1 or languages.dtype.kind != "U" or len({*languages.tolist()}) != languages.size:
        raise ValueError("its languages are no list of different codes")
    if means.ndim != 2 or means.dtype.kind != "f" or 0 in means.shape or len(means) != len(languages):
        raise ValueError("it does not hold one vector of real numbers a language")
    if not (np.linalg.norm(means.astype(np.float64), axis=1) <= _LONGEST_MEAN).all():
        raise ValueError("a vector is longer than a mean of unit vectors can be, or holds what is no number")
    return dict(zip(languages.tolist(), means.astype(np.float32), strict=True))


_LONGEST_MEAN = 1.01
"""More than 1 for the rounding of 16-bit floats."""


@contextmanager
def _faults_of(file: Traversable) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error
    except _UNREADABLE as error:
        raise InputError(f"{file}: not a calibration: {' '.join(str(error).split())}") from error


_UNREADABLE = (
    *(KeyError, TypeError, ValueError, AttributeError, EOFError),
    *(RuntimeError, zlib.error, zipfile.BadZipFile),  # of RuntimeErrors RecursionError, and NotImplementedError
)
"""What is raised for files that hold something else, nested, packed or encrypted as they may be."""


def digest_used(setting: str, digest: str) -> str | None:
    """A hash of the calibration that a run with this ``Settings.calibration`` uses for the model with this digest; None
    where there is none, and one is made of the run.
    """
    given: list[Traversable] = [] if setting == SHIPPED else [Path(setting)]
    places = (*given, files("dedup.calibration"))
    return next((digest_in(place, digest) for place in places if (place / f"{digest[:12]}.json").is_file()), None)


def digest_in(folder: Traversable, digest: str) -> str:
    """A hash of the calibration in a folder for the model with this digest."""
    files_of_it = (folder / f"{digest[:12]}{ending}" for ending in (".json", ".npz"))
    return blake2b(b"".join(file.read_bytes() for file in files_of_it), digest_size=16).hexdigest()


def for_bundled() -> Calibration:
    """The calibration of the embedded model."""
    calibration = shipped(BUNDLED_DIGEST)
    if calibration is None:
        raise ModelError("the package lacks the calibration of its bundled model: install it again")
    return calibration


UNCALIBRATED = "none (language means of this run)"
"""How reports name what :func:`from_run` makes."""

SMALL_RUN = 16
"""Segments of a whole run that weigh as much as a mean of zero."""

SHRINKAGE = 200
"""Segments of a language that weigh as much as the mean of the whole run, where a run must do without calibration."""


def from_run(vectors: Vectors, languages: Sequence[str]) -> Calibration:
    """For a model that nothing was computed for: its language means estimated from the run itself.

    ``vectors`` are the run's segments, shape (segments, dimensions), and ``languages`` theirs. A language's mean is
    shrunk towards the mean of all (James and Stein 1961), so that a language of five records keeps its content.
    The mean of all is shrunk, too: of two short texts it would leave nothing but their difference. The weights are
    those of the bundled model: good for ranking, their probabilities are not calibrated.
    """
    overall = vectors.mean(axis=0) * (len(vectors) / (len(vectors) + SMALL_RUN))
    codes = np.asarray(languages)
    centroids = {}
    for language in sorted(set(languages)):
        rows = vectors[codes == language]
        share = len(rows) / (len(rows) + SHRINKAGE)
        centroids[language] = (share * rows.mean(axis=0) + (1 - share) * overall).astype(np.float32)
    return replace(for_bundled(), name=UNCALIBRATED, centroids=centroids, default_centroid=overall)
