"""``dedup calibrate``: from corpora with gold to a calibration, measured on the articles that it has not seen."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

import numpy as np

from dedup import __version__
from dedup.calibration import Calibration
from dedup.calibration.adapt import adapted, pairs_of
from dedup.calibration.compute import Outcome, Prepared, calibration_error, outcomes, understand
from dedup.calibration.corpus import Corpus
from dedup.calibration.split import CALIBRATION_SHARE, for_calibration
from dedup.calibration.store import content_digest
from dedup.encoders import Encoder
from dedup.errors import InputError
from dedup.evaluate import Score, evaluate
from dedup.language import declared_language
from dedup.model import Record, Vectors
from dedup.pipeline import find_clusters
from dedup.progress import Progress, silent
from dedup.report.console import visible
from dedup.report.document import document_of
from dedup.settings import ALWAYS, Settings
from dedup.skipped import first_skipped
from dedup.watch import watched

FEWEST_FITTED = 10
"""Articles in two languages or more that the fit needs: a choice, on the safe side of the five that helped on all
corpora of ``scripts/bench_adapt.py``."""

FEWEST_MEASURED = 5
"""Articles in two languages or more that measuring needs: a choice, so that no calibration goes out unmeasured."""

MEASURING_SEED = 2
"""Of the choice of pairs to measure on."""

CHUNK = 1_000
"""Segments between two notes on progress."""


@dataclass(frozen=True, slots=True)
class Half:
    """How much one half of the split holds."""

    articles: int
    records: int
    pairs: int
    without_text: int
    """Records of which nothing is left once the page around the article is gone; they are not among the others."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How a calibration does on articles that it has not seen."""

    outcomes: tuple[Outcome, ...]
    calibration_error: float
    """Expected calibration error over those pairs, 0 to 1."""
    b_cubed: Score
    """Of one run over all records of these articles."""
    b_cubed_without: Score
    """Of the same run without this calibration."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration and what is to be said of it."""

    calibration: Calibration
    fitted: Half
    held_out: Half
    measured: Measured


Records = Mapping[str, Sequence[Record]]
"""Corpus -> some of its records."""


def calibrate(corpora: Sequence[Corpus], encoder: Encoder, on: date, progress: Progress = silent) -> Calibrated:
    """A calibration of the encoder's model, and how it does on the articles kept for measuring.

    ``corpora`` have different names; ``on`` is the day that the calibration's name tells. The same corpora give the
    same, whatever the order of their records. Raises :class:`InputError` where they are too small, and
    :class:`dedup.errors.ModelError` where the model cannot be loaded.
    """
    to_fit, to_measure = ({c.name: _side(c, which) for c in corpora} for which in (True, False))
    _refuse_too_small(to_fit, to_measure)
    with watched(progress) as watch:
        return _calibrated(to_fit, to_measure, encoder, on, watch)


def _calibrated(to_fit: Records, to_measure: Records, encoder: Encoder, on: date, progress: Progress) -> Calibrated:
    once = _EncodedOnce(encoder, progress)
    parts, dropped = _understood(to_fit, once)
    progress("fitting")
    calibration, pairs = adapted(parts, encoder.digest)
    name = f"{encoder.name} {on.isoformat()} {content_digest(calibration)[:8]}"
    calibration = replace(calibration, name=name)
    held_out, dropped_held_out = _understood(to_measure, once)
    progress("measuring")
    unseen = pairs_of(held_out, calibration, MEASURING_SEED)
    run = _pooled(to_measure)
    measured = Measured(
        outcomes=tuple(outcomes(unseen, calibration)),
        calibration_error=round(calibration_error(unseen, calibration), 4),
        b_cubed=_b_cubed(run, once, calibration),
        b_cubed_without=_b_cubed(run, once, None),
    )
    return Calibrated(
        calibration, _half(parts, len(pairs), dropped), _half(held_out, len(unseen), dropped_held_out), measured
    )


def _side(corpus: Corpus, fitted: bool) -> list[Record]:
    return [record for record in corpus.records if for_calibration(record.gold or "") is fitted]


def _refuse_too_small(to_fit: Records, to_measure: Records) -> None:
    """No corpus in one language, none of a handful of articles."""
    fit, measure = _parallel(to_fit), _parallel(to_measure)
    if fit < FEWEST_FITTED or measure < FEWEST_MEASURED:
        raise InputError(
            f"too small a corpus: of its articles in two languages or more {fit} are to fit and {measure} to measure; "
            f"at least {FEWEST_FITTED} and {FEWEST_MEASURED} are needed, some {round(1.2 * _FEWEST)} in all"
        )


_FEWEST = max(FEWEST_FITTED * 100 / CALIBRATION_SHARE, FEWEST_MEASURED * 100 / (100 - CALIBRATION_SHARE))


def _parallel(corpora: Records) -> int:
    """The number of articles in two languages or more."""
    languages: dict[tuple[str, str | None], set[str | None]] = defaultdict(set)
    for name, records in corpora.items():
        for record in records:
            languages[name, record.gold].add(declared_language(record.language))
    return sum(len(codes) > 1 for codes in languages.values())


def _understood(corpora: Records, encoder: Encoder) -> tuple[dict[str, Prepared], int]:
    """The corpora that have records; and how many records had no text."""
    parts, without_text = {}, 0
    for name, records in corpora.items():
        prepared, skipped = understand(records, encoder)
        without_text += len(skipped)
        if prepared.golds:
            parts[name] = prepared
    return parts, without_text


def _half(parts: Mapping[str, Prepared], pairs: int, without_text: int) -> Half:
    articles = sum(len(set(part.golds)) for part in parts.values())
    return Half(articles, sum(len(part.golds) for part in parts.values()), pairs, without_text)


def _pooled(corpora: Records) -> list[Record]:
    """All records as one input; ids and golds of two corpora stay apart."""
    return [
        replace(record, id=f"{name}:{number:09}", gold=f"{name}:{record.gold}")
        for name, records in sorted(corpora.items())
        for number, record in enumerate(records)
    ]


def _b_cubed(records: Sequence[Record], encoder: Encoder, calibration: Calibration | None) -> Score:
    settings = Settings(confirm=ALWAYS)  # it is this model that is measured
    report = find_clusters(records, settings, encoder=encoder, calibration=calibration)
    return evaluate(document_of(report), {record.id: record.gold or "" for record in records}).b_cubed


class _EncodedOnce:
    """Another encoder that remembers its vectors and tells how far it has come."""

    def __init__(self, encoder: Encoder, progress: Progress) -> None:
        self.name = encoder.name
        self._encoder = encoder
        self._progress = progress
        self._known: dict[str, Vectors] = {}

    @property
    def digest(self) -> str:
        """Of the encoder behind."""
        return self._encoder.digest

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text; see :class:`dedup.encoders.Encoder`."""
        if not texts:
            return self._encoder.encode([])
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(missing), CHUNK):
            self._progress("embedding segments", start, len(missing))
            chunk = missing[start : start + CHUNK]
            self._known.update(zip(chunk, self._encoder.encode(chunk), strict=True))
        return np.stack([self._known[text] for text in texts])


def provenance(
    made: Calibrated, corpora: Sequence[Corpus], encoder: Encoder, on: date, licence: str
) -> dict[str, object]:
    """Where a calibration comes from, and how it does, for its file."""
    return {
        "command": f"dedup calibrate {' '.join(c.name for c in corpora)} --model {encoder.name} -o FOLDER",
        "tool": f"dedup {__version__}",
        "date": on.isoformat(),
        "data": {
            c.name: {
                "sha256 of gold, language and text": c.digest,
                "records": len(c.records),
                "articles": len({r.gold for r in c.records}),
                "languages": sorted({declared_language(r.language) or "" for r in c.records}),
                "skipped": len(c.skipped),
            }
            for c in corpora
        },
        "licence": licence,
        "split": f"fitted to articles whose gold hashes below {CALIBRATION_SHARE} of 100, measured on the others",
        "model": encoder.digest,
        "fitted": asdict(made.fitted),
        "held out": asdict(made.held_out),
        "right at 0.5 on pairs held out": [asdict(row) for row in made.measured.outcomes],
        "expected calibration error on pairs held out": made.measured.calibration_error,
        "B-cubed of a run over records held out": _rounded(made.measured.b_cubed),
        "the same without this calibration": _rounded(made.measured.b_cubed_without),
    }


def _rounded(score: Score) -> dict[str, float]:
    return {
        name: round(value, 4)
        for name, value in (("precision", score.precision), ("recall", score.recall), ("F1", score.f1))
    }


def render(made: Calibrated, corpora: Sequence[Corpus]) -> str:
    """What the command prints: how much was fitted to, and how it does on the rest."""
    lines = []
    for corpus in corpora:
        languages = len({declared_language(r.language) for r in corpus.records})
        articles = len({r.gold for r in corpus.records})
        lines.append(
            f"{visible(corpus.name)}: {len(corpus.records):,} records, {articles:,} articles, {languages} languages, "
            f"{visible(first_skipped(corpus.skipped))}"
        )
    for done, half in (("fitted to", made.fitted), ("measured on", made.held_out)):
        dropped = f"; {half.without_text:,} records without text" if half.without_text else ""
        lines.append(f"{done} {half.articles:,} articles: {half.records:,} records, {half.pairs:,} pairs{dropped}")
    lines += ["", *_table(made.measured.outcomes), ""]
    measured = made.measured
    for name, score in (("B-cubed of a run", measured.b_cubed), ("without this calibration", measured.b_cubed_without)):
        lines.append(f"{name:26}P {score.precision:.4f}  R {score.recall:.4f}  F1 {score.f1:.4f}")
    lines.append(f"{'calibration error':26}{measured.calibration_error:.4f}")
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Outcome]) -> list[str]:
    """Pairs that come out right at 0.5, one line a kind and case, all corpora together."""
    groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for row in rows:
        groups[row.kind, row.case].append(row)
    lines = [f"{'right at 0.5 on pairs held out':34}{'pairs':>8}  {'right':>6}"]
    for (kind, case), found in sorted(groups.items()):
        pairs = sum(row.pairs for row in found)
        right = sum(row.pairs * row.right for row in found) / pairs
        lines.append(f"{kind:16}{case:18}{pairs:8,}  {right:6.4f}")
    return lines
