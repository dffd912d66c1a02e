"""Acting on a report: the corpus without its copies, or with its clusters marked, in the format it came in.

    paths  ─open_corpus─> Corpus                                      corpus.py    which files, and their places in OUT
    Corpus, report ─match─> Standing                                  match.py     the members, found again
    Standing, Choice ─make_plan─> Plan                                plan.py      who stays and who goes, and why
    Plan ─write_corpus─> OUT, REMOVED                                 write.py     bytes, by way of tables/
    Plan ─render_plan─> text for people                               summary.py

A report holds neither the texts nor the paths of its run, so the corpus is read again, and is held to the report: its
members must be there with the texts that the report saw. A plan is a value and writes nothing.

    from dedup.apply import Choice, make_plan, open_corpus, write_corpus

    corpus = open_corpus(["articles.jsonl"])
    planned = make_plan(load_report(Path("report.json")), corpus, Choice())
    write_corpus(planned, Path("clean.jsonl"), removed=Path("removed.jsonl"))
"""

from dedup.apply.corpus import Corpus, open_corpus
from dedup.apply.plan import Choice, Decision, Plan, Removal, make_plan, parse_relations
from dedup.apply.policies import Policy, parse_policies
from dedup.apply.write import check_places, write_corpus
from dedup.model import Role

__all__ = [
    "Choice",
    "Corpus",
    "Decision",
    "Plan",
    "Policy",
    "Removal",
    "Role",
    "check_places",
    "make_plan",
    "open_corpus",
    "parse_policies",
    "parse_relations",
    "write_corpus",
]
