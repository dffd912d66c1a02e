"""A plan for people at a terminal: what goes, what stays, and what was left alone."""

from collections import Counter
from typing import Final

from rich.console import Console

from dedup.apply.plan import Plan, Removal
from dedup.report.console import Printer, counted, shown_probability
from dedup.report.document import Member
from dedup.report.wording import place_of

SKIPPED_SHOWN: Final = 10


def render_plan(plan: Plan, console: Console, *, annotate: bool = False, in_detail: bool = False) -> None:
    """Print what a plan does to its corpus; ``in_detail``, of a plan that is not
    carried out, every record that goes, with its partner.
    """
    page = _Page(console)
    if in_detail:
        page.decisions(plan)
    page.counts(plan, annotate)
    page.left_alone(plan)
    if in_detail:
        page.line("Nothing is written.")


class _Page(Printer):
    def decisions(self, plan: Plan) -> None:
        for decision in plan.decisions:
            if decision.removals:
                for id_ in decision.kept:
                    self.pieces(["keep    ", id_, _told(decision.members[id_])], "green")
                for removal in decision.removals:
                    told = _told(decision.members[removal.id])
                    self.pieces(["remove  ", removal.id, f"{told}  {_why(removal)} ", removal.partner])
                self.line()

    def counts(self, plan: Plan, annotate: bool) -> None:
        removals = plan.removals
        records = counted(plan.standing.records, "record")
        if annotate:
            self.line(f"{records}: {len(plan.marks):,} in clusters, {len(removals):,} of them marked as copies", "bold")
        else:
            stay = plan.standing.records - len(removals)
            self.line(f"{records}: {stay:,} stay, {len(removals):,} go", "bold")
        relations = Counter(_relation(removal) for removal in removals)
        if relations:
            self.line("Copies by relation: " + ", ".join(f"{name} {relations[name]:,}" for name in sorted(relations)))
        whole = sum(decision.left_whole for decision in plan.decisions)
        if whole:
            self.line(f"{counted(whole, 'flagged cluster')} left whole (--flagged takes them too)")
        if unknown := plan.without_source_language:
            clusters = f"{unknown:,} of {counted(len(plan.decisions), 'cluster')}"
            self.line(f"In {clusters} no record is in a language of the cited site, as far as its address tells it")
        for field, missing in plan.without_value.items():
            if missing:
                self.pieces([f"{counted(missing, 'member')} without a number or a date in ", field, ": chosen last"])

    def left_alone(self, plan: Plan) -> None:
        """What no run compares."""
        uncompared = sum(map(len, plan.standing.uncompared)) + len(plan.standing.unusable)
        if uncompared:
            rows = "unusable or with an id that another one has"
            self.line(f"{counted(uncompared, 'record')} that the run did not compare ({rows}): kept as they are")
        if plan.standing.blank:
            self.line(f"{counted(plan.standing.blank, 'blank line')}: kept")
        corpus = plan.corpus
        if corpus.others:
            files = counted(len(corpus.others), "other file")
            self.pieces([f"{files} in the input, which no run reads, not copied, the first: ", corpus.others[0]])
        for one in corpus.skipped[:SKIPPED_SHOWN]:
            self.pieces(["Not copied: ", place_of(one.path, one.line), ": ", one.reason])
        if len(corpus.skipped) > SKIPPED_SHOWN:
            self.line(f"… and {len(corpus.skipped) - SKIPPED_SHOWN:,} more")


def _told(member: Member) -> str:
    return f"  {member.language}  {counted(member.characters, 'character')}"


def _relation(removal: Removal) -> str:
    return removal.relation or "in one cluster, not linked"


def _why(removal: Removal) -> str:
    if removal.probability is None:
        return "in one cluster with"
    return f"{removal.relation} {shown_probability(removal.probability)} of"
