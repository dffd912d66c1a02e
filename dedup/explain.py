"""One pair, and all that is behind its judgement: the stages of a run (:mod:`dedup.pipeline`) over two records.

A pair judged here gets the judgement that the model gives it in a run (one that the token table decided may have
another there: ``confirmed_by``), but where the rest of a run has its say too: with a model without a calibration of its
own, whose language means come from what is compared, and with passages that stand on many pages of the run and so count
little there (:mod:`dedup.boilerplate`). Two records cannot show what is boilerplate.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dedup.confirm import judge, same_text
from dedup.encoders import Encoder
from dedup.errors import InputError
from dedup.evidence import align, figures_of
from dedup.fingerprints import fingerprint
from dedup.model import CandidatePair, EncoderInfo, Entry, Finder, Fingerprint, Link, Record
from dedup.pipeline import article_keys, models_of, understand
from dedup.prepare import entry_of, prepare
from dedup.settings import ALWAYS, NEVER, Settings
from dedup.text import in_one_line


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, and what of it the other lacks."""

    article: Entry
    segments: int
    """Segments that were compared; ``dropped_segments`` lay beyond the limit of the settings."""
    dropped_segments: int
    unmatched: tuple[str, ...]
    """The segments that find no partner in the other text, in order."""
    nearest: tuple[float, ...]
    """The cosine of each of them to what comes nearest to it there: below what makes a partner."""
    missing_figures: tuple[str, ...]
    """Its figures that the other does not state, in order; only of the side with fewer figures, as in the evidence."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A segment of each text that find their partner in each other, and their cosine."""

    left: str
    right: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A judgement and its reasons.

    ``passages`` are in the order of the left text, each segment in one at most. They are empty, and ``encoder`` is
    None, where the two texts are the same: no model is asked then.
    """

    left: Side
    right: Side
    link: Link
    threshold: float
    passages: tuple[Passage, ...]
    shared_figures: tuple[str, ...]
    clashing_figures: tuple[tuple[str, str], ...]
    """Left and right, what two passages that belong together state in each other's place."""
    encoder: EncoderInfo | None

    @property
    def same_article(self) -> bool:
        """The decision: whether the probability reaches the threshold."""
        return self.link.probability >= self.threshold


def explain(
    left: Record, right: Record, settings: Settings | None = None, *, encoder: Encoder | None = None
) -> Explanation:
    """Whether two records carry the same article, and why.

    ``encoder`` replaces the model that the settings name. Raises :class:`InputError` where a record has no text or the
    settings name a folder without a calibration of the model, and :class:`dedup.errors.ModelError` where a model is
    needed and cannot be loaded.
    """
    settings = settings or Settings()
    articles, unusable = prepare([left, right])
    if unusable:
        raise InputError(f"{unusable[0].path}: {unusable[0].reason}")
    one, other = fingerprints = fingerprint(articles, settings)
    entries = list(map(entry_of, articles))
    cite_one_page = article_keys(entries[:1]) & article_keys(entries[1:])
    pair = CandidatePair(0, 1, (Finder.SOURCE_URL,) if cite_one_page else ())
    if one.digest == other.digest:
        sides = _side(entries[0], one), _side(entries[1], other)
        return Explanation(*sides, same_text(pair), settings.threshold, (), one.numbers, (), None)

    # Of two texts alone the model always has its say: it is the better judge, and the cost is small.
    models = models_of(replace(settings, confirm=NEVER if settings.confirm == NEVER else ALWAYS), encoder, None)
    languages = [entry.language for entry in entries]
    subjects, calibration = understand(languages, fingerprints, [], models)
    aligned = align(subjects[0], subjects[1])
    figures = figures_of(subjects[0], subjects[1], aligned, calibration)
    return Explanation(
        left=_side(entries[0], one, aligned.best_left, calibration.partner_similarity, figures.missing),
        right=_side(entries[1], other, aligned.best_right, calibration.partner_similarity, figures.missing),
        link=judge(pair, subjects[0], subjects[1], calibration, models.kind),
        threshold=settings.threshold,
        passages=tuple(
            Passage(in_one_line(one.segments[i]), in_one_line(other.segments[j]), similarity)
            for (i, j), similarity in zip(aligned.pairs.tolist(), aligned.similarity.tolist(), strict=True)
            if similarity >= calibration.partner_similarity
        ),
        shared_figures=figures.shared,
        clashing_figures=figures.clashes,
        encoder=EncoderInfo(models.first.name, models.first.digest, calibration.name),
    )


def _side(
    article: Entry,
    of_article: Fingerprint,
    best: Iterable[float] = (),
    partner_similarity: float = 0.0,
    missing_figures: Sequence[str] = (),
) -> Side:
    """``best``: of each segment the cosine to what comes nearest to it in the other text."""
    texts = map(in_one_line, of_article.segments)
    unmatched = [(text, float(b)) for text, b in zip(texts, best, strict=False) if b < partner_similarity]
    return Side(
        article,
        segments=len(of_article.segments),
        dropped_segments=len(of_article.beyond),
        unmatched=tuple(text for text, _ in unmatched),
        nearest=tuple(similarity for _, similarity in unmatched),
        missing_figures=tuple(figure for figure in missing_figures if figure in of_article.numbers),
    )
