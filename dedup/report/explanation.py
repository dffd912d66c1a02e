"""The explanation of one pair, for a person at a terminal and as JSON."""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dedup import __version__, model
from dedup.explain import Explanation, Side
from dedup.report import layout
from dedup.report.console import Printer, counted, listed, shown_probability
from dedup.report.document import (
    Encoder,
    Evidence,
    Member,
    Probability,
    Tool,
    encoder_of,
    evidence_of,
    member_of,
    rounded,
    writable,
)
from dedup.report.wording import place_of

SCHEMA_VERSION: Final = 1

PASSAGES_SHOWN: Final = 20
UNMATCHED_SHOWN: Final = 8
FIGURES_SHOWN: Final = 30
IN_JSON: Final = "all with --format json"


class OneSide(Struct, frozen=True, kw_only=True):
    """One of the two records, and what of it the other lacks."""

    record: Member
    segments: int
    dropped_segments: int
    unmatched: tuple[str, ...]
    missing_figures: tuple[str, ...]


class Aligned(Struct, frozen=True, kw_only=True):
    """Two segments that say the same, and their cosine."""

    left: str
    right: str
    similarity: float


class ExplanationDocument(Struct, frozen=True, kw_only=True):
    """The judgement of one pair and its reasons; fields are those of a report where the names are the same."""

    schema_version: Literal[1]
    tool: Tool
    encoder: Annotated[Encoder | None, Meta(description="Null where the texts are the same: no model was asked.")]
    left: OneSide
    right: OneSide
    same_article: bool
    threshold: Probability
    relation: Annotated[model.Relation, Meta(description="What the two are to each other, if the same article.")]
    probability: Probability
    evidence: tuple[Evidence, ...]
    passages: tuple[Aligned, ...]
    shared_figures: tuple[str, ...]


def explanation_json(explanation: Explanation) -> bytes:
    """The explanation as JSON, laid out like the report."""
    document = ExplanationDocument(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="dedup", version=__version__),
        encoder=None if explanation.encoder is None else encoder_of(explanation.encoder),
        left=_side(explanation.left),
        right=_side(explanation.right),
        same_article=explanation.same_article,
        threshold=explanation.threshold,
        relation=explanation.link.relation,
        probability=rounded(explanation.link.probability),
        evidence=evidence_of(explanation.link.evidence),
        passages=tuple(
            Aligned(left=writable(one.left), right=writable(one.right), similarity=round(one.similarity, 4))
            for one in explanation.passages
        ),
        shared_figures=explanation.shared_figures,
    )
    return layout.laid_out(document)


def _side(side: Side) -> OneSide:
    return OneSide(
        record=member_of(side.article, writable(side.article.id)),
        segments=side.segments,
        dropped_segments=side.dropped_segments,
        unmatched=tuple(map(writable, side.unmatched)),
        missing_figures=side.missing_figures,
    )


def render_explanation(explanation: Explanation, console: Console) -> None:
    """Print the decision, then all that led to it."""
    _Page(console).explanation(explanation)


class _Page(Printer):
    """The explanation, part by part. The two records go by A and B, in the order in which they were given."""

    def explanation(self, explanation: Explanation) -> None:
        sides = {"A": explanation.left, "B": explanation.right}
        for letter, side in sides.items():
            self.record(letter, side)
        self.line()
        self.line(_decision(explanation), "bold")
        self.line()
        self.evidence(explanation.link.evidence)
        self.passages(explanation)
        for letter, side in sides.items():
            self.unmatched(letter, side)
        self.figures(explanation)

    def record(self, letter: str, side: Side) -> None:
        article = side.article
        self.line(f"{letter}  {article.id}", "bold")
        if article.path is not None and article.path != article.id:
            self.line(place_of(article.path, article.line), indent=3)
        if article.source_url is not None:
            self.line(article.source_url, indent=3)
        beyond = f" ({side.dropped_segments:,} more not compared)" if side.dropped_segments else ""
        size = f"{counted(article.characters, 'character')}, {counted(side.segments, 'segment')}{beyond}"
        self.line(f"{article.language}, {size}", indent=3)

    def evidence(self, evidence: Sequence[model.Evidence]) -> None:
        """A sum, and the probability so far beside it.

        The weights shown are the steps between the rounded sums, so that what a reader adds up comes out right.
        """
        sums = [round(total, 2) + 0.0 for total in accumulate(one.weight for one in evidence)]
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("evidence", no_wrap=True)
        for name in ("value", "weight", "log-odds", "probability"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("detail", overflow="fold")
        for one, before, total in zip(evidence, [0.0, *sums], sums, strict=False):
            numbers = (f"{one.value:.2f}", f"{total - before:+.2f}", f"{total:+.2f}")
            cells = (one.name, *numbers, shown_probability(1 / (1 + math.exp(-total))), one.detail)
            table.add_row(*map(self.text, cells))
        self.console.print(table)

    def passages(self, explanation: Explanation) -> None:
        passages = explanation.passages
        if not passages:
            return
        self.line()
        self.line(f"{counted(len(passages), 'passage')} in both, in the order of A, with their similarity", "bold")
        width = self.console.width - len("  0.00  A ")
        for passage in passages[:PASSAGES_SHOWN]:
            for beginning, text in ((f"  {passage.similarity:.2f}  A ", passage.left), (" " * 8 + "B ", passage.right)):
                self.console.print(Text(beginning).append_text(self.excerpt(text, width)))
        self.more(len(passages) - PASSAGES_SHOWN)

    def unmatched(self, letter: str, side: Side) -> None:
        if not side.unmatched:
            return
        self.line()
        self.line(f"Only in {letter}: {len(side.unmatched):,} of {counted(side.segments, 'segment')}", "bold")
        for segment in side.unmatched[:UNMATCHED_SHOWN]:
            self.console.print(Text("  ").append_text(self.excerpt(segment, self.console.width - 2)))
        self.more(len(side.unmatched) - UNMATCHED_SHOWN)

    def figures(self, explanation: Explanation) -> None:
        named = {
            "Figures in both": explanation.shared_figures,
            "Figures of A missing in B": explanation.left.missing_figures,
            "Figures of B missing in A": explanation.right.missing_figures,
        }
        self.line()
        for name, figures in named.items():
            if figures:
                self.line(f"{name} ({len(figures):,}): {listed(figures, FIGURES_SHOWN)}")

    def more(self, number: int) -> None:
        if number > 0:
            self.line(f"… {number:,} more ({IN_JSON})", indent=2)


def _decision(explanation: Explanation) -> str:
    probability = f"probability {shown_probability(explanation.link.probability)}"
    if explanation.same_article:
        return f"The same article ({explanation.link.relation}): {probability}, threshold {explanation.threshold:g}"
    return f"Not the same article: {probability}, threshold {explanation.threshold:g}"
