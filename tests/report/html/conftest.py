"""Runs whose page is looked at."""

from collections.abc import Iterable

import pytest

from dedup.encoders import HashingEncoder
from dedup.model import Record, Report, Skipped
from dedup.pipeline import Stages, report_of, run_stages
from dedup.settings import Settings

from ... import stages

HOSTILE = (
    "<script>window.broken = 1</script> </script><script>window.broken = 2</script> <!-- <script> --> ]]> &lt; &amp;",
    '<img src=x onerror="window.broken = 3"> <svg onload=window.broken=4> javascript:window.broken=5 {{ 7 * 7 }}',
    "\u2028\u2029 \ud800 \x00 \u202eesrever\u2066 \\u003c/script\\u003e 'quoted' \"twice\" `${window.broken = 6}`",
)
"""Texts that would like to be more than text."""

SENTENCES = (
    "The council of Thuan An elected 17 members to its new committee on Monday.",
    "It received 402 files in July and solved 317 of them within the month.",
    "The mayor said that 96 of 113 posts were filled by now.",
    "Next year a bridge of 1,250 metres will cross the river.",
)
OTHERS = (
    "A bakery on Station Road opens at five in the morning.",
    "It has sold out of rye bread by eight, and the baker goes home.",
    "Nobody has counted the loaves since 1987.",
)


def run(records: Iterable[Record | Skipped], threshold: float = 0.5) -> tuple[Stages, Report]:
    """A run with an encoder and weights that do not change with the next fit, and its report."""
    settings = Settings(threshold=threshold, workers=1)
    made = run_stages(records, settings, HashingEncoder(dimensions=stages.DIMENSIONS), stages.calibration())
    return made, report_of(made, settings)


def records() -> list[Record | Skipped]:
    """Two versions of an article and a copy of one, another article, an odd one out, something skipped."""
    whole, edited = " ".join(SENTENCES), " ".join((*SENTENCES[1:], SENTENCES[0].replace("17", "18")))
    hostile = " ".join(HOSTILE)
    return [
        Record("a", whole, language="en", url="https://news.example/a?b=1&c=<2>"),
        Record("b", edited, language="fr", url="https://www.news.example/a?b=1&c=<2>"),
        Record("copy of a", whole, language="en"),
        Record("<b>c</b>\u202e", " ".join(OTHERS) + " " + hostile, language="en"),
        Record(
            "<i onclick=alert(1)>d", hostile + " " + " ".join(OTHERS), language="ar", path="</script>.jsonl", line=3
        ),
        Record("e", "Nothing of all this is said here: rain fell, then it stopped.", language="sv"),
        Skipped("<u>bad</u>.jsonl", 7, "not JSON: <script>"),
    ]


@pytest.fixture(scope="package")
def made() -> tuple[Stages, Report]:
    """The run of :func:`records`."""
    return run(records())
