"""The explanation of one pair, for a person at a terminal and as JSON."""

import math
import re
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
from dedup.report.wording import place_of, reasons_of
from dedup.text import numbers

SCHEMA_VERSION: Final = 1

PASSAGES_SHOWN: Final = 20
UNMATCHED_SHOWN: Final = 8
FIGURES_SHOWN: Final = 30
ALL: Final = "all with --full"

FOR, AGAINST = "green", "red"

_NUMBER: Final = re.compile(r"\d(?:[\d.,:\u066b\u066c]*\d)?")


class OneSide(Struct, frozen=True, kw_only=True):
    """One of the two records, and what of it the other lacks."""

    record: Member
    segments: int
    dropped_segments: int
    unmatched: Annotated[tuple[str, ...], Meta(description="Segments that find no partner in the other text.")]
    nearest: Annotated[tuple[float, ...], Meta(description="Of each of them the cosine to what comes nearest to it.")]
    missing_figures: tuple[str, ...]


class Aligned(Struct, frozen=True, kw_only=True):
    """Two segments that say the same, and their cosine."""

    left: str
    right: str
    similarity: float


class Clash(Struct, frozen=True, kw_only=True):
    """Two figures that passages which belong together state in each other's place."""

    left: str
    right: str


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
    clashing_figures: tuple[Clash, ...]


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
        clashing_figures=tuple(Clash(left=left, right=right) for left, right in explanation.clashing_figures),
    )
    return layout.laid_out(document)


def _side(side: Side) -> OneSide:
    return OneSide(
        record=member_of(side.article, writable(side.article.id)),
        segments=side.segments,
        dropped_segments=side.dropped_segments,
        unmatched=tuple(map(writable, side.unmatched)),
        nearest=tuple(round(similarity, 4) + 0.0 for similarity in side.nearest),
        missing_figures=side.missing_figures,
    )


def render_explanation(explanation: Explanation, console: Console, *, full: bool = False) -> None:
    """Print the decision, then all that led to it. ``full``: every passage, and all of it."""
    _Page(console, explanation, full).explanation()


class _Page(Printer):
    """The explanation, part by part. The two records go by A and B, in the order in which they were given."""

    def __init__(self, console: Console, explanation: Explanation, full: bool) -> None:
        super().__init__(console)
        self._explanation = explanation
        self._full = full
        clashing = {figure for pair in explanation.clashing_figures for figure in pair}
        self._styles = dict.fromkeys(explanation.shared_figures, FOR) | dict.fromkeys(
            [*explanation.left.missing_figures, *explanation.right.missing_figures, *clashing], AGAINST
        )

    def explanation(self) -> None:
        sides = {"A": self._explanation.left, "B": self._explanation.right}
        for letter, side in sides.items():
            self.record(letter, side)
        self.line()
        self.decision()
        self.line()
        self.evidence()
        self.passages()
        for letter, side in sides.items():
            self.unmatched(letter, side)
        self.figures()

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

    def decision(self) -> None:
        self.line(_decision(self._explanation), "bold")
        in_favour, against = reasons_of(evidence_of(self._explanation.link.evidence), most=None)
        if in_favour:
            self.line(f"For it: {in_favour}", FOR)
        if against:
            self.line(f"Against it: {against}", AGAINST)

    def evidence(self) -> None:
        """A sum, and the probability so far beside it.

        The weights shown are the steps between the rounded sums, so that what a reader adds up comes out right.
        """
        evidence = self._explanation.link.evidence
        sums = [round(total, 2) + 0.0 for total in accumulate(one.weight for one in evidence)]
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("evidence", no_wrap=True)
        for name in ("value", "weight", "log-odds", "probability"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("detail", overflow="fold")
        for one, before, total in zip(evidence, [0.0, *sums], sums, strict=False):
            weight = f"{total - before:+.2f}"
            numbers = (f"{one.value:.2f}", weight, f"{total:+.2f}")
            cells = (one.name, *numbers, shown_probability(1 / (1 + math.exp(-total))), one.detail)
            style = "dim" if float(weight) == 0 else FOR if total > before else AGAINST
            table.add_row(*(self.text(cell, style) for cell in cells))
        self.table(table)

    def passages(self) -> None:
        passages = self._explanation.passages
        if not passages:
            return
        self.line()
        self.line(f"{counted(len(passages), 'passage')} in both, in the order of A, with their similarity", "bold")
        shown = passages if self._full else passages[:PASSAGES_SHOWN]
        for passage in shown:
            self.passage(f"  {passage.similarity:.2f}  A ", passage.left)
            self.passage(" " * 8 + "B ", passage.right)
        self.more(len(passages) - len(shown))

    def unmatched(self, letter: str, side: Side) -> None:
        if not side.unmatched:
            return
        other = "B" if letter == "A" else "A"
        self.line()
        number = f"{len(side.unmatched):,} of {counted(side.segments, 'segment')}"
        self.line(f"Only in {letter}: {number}, with the similarity to the nearest of {other}", "bold")
        shown = len(side.unmatched) if self._full else UNMATCHED_SHOWN
        for similarity, segment in list(zip(side.nearest, side.unmatched, strict=True))[:shown]:
            self.passage(f" {similarity:5.2f}  {letter} ", segment)
        self.more(len(side.unmatched) - shown)

    def passage(self, beginning: str, text: str) -> None:
        """A passage after ``beginning``, cut to one line or, of a full explanation, wrapped; its figures marked."""
        width = max(self.console.width - len(beginning), 1)
        shown = self.text(text) if self._full else self.excerpt(text, width)
        for match in _NUMBER.finditer(shown.plain):
            style = next((self._styles[one] for one in numbers(match[0]) if one in self._styles), None)
            if style is not None:
                shown.stylize(f"bold {style}", *match.span())
        for number, line in enumerate(shown.wrap(self.console, width, overflow="fold")):
            line.rstrip()
            self.put(Text(" " * len(beginning) if number else beginning).append_text(line))

    def figures(self) -> None:
        explanation = self._explanation
        named = {
            "Figures in both": explanation.shared_figures,
            "Figures of A missing in B": explanation.left.missing_figures,
            "Figures of B missing in A": explanation.right.missing_figures,
            "Figures that clash, of A and of B": tuple(f"{one} and {two}" for one, two in explanation.clashing_figures),
        }
        self.line()
        for name, figures in named.items():
            if figures:
                most = len(figures) if self._full else FIGURES_SHOWN
                self.line(f"{name} ({len(figures):,}): {listed(figures, most)}")

    def more(self, number: int) -> None:
        if number > 0:
            self.line(f"… {number:,} more ({ALL})", indent=2)


def _decision(explanation: Explanation) -> str:
    probability = f"probability {shown_probability(explanation.link.probability)}"
    if explanation.same_article:
        return f"The same article ({explanation.link.relation}): {probability}, threshold {explanation.threshold:g}"
    return f"Not the same article: {probability}, threshold {explanation.threshold:g}"
