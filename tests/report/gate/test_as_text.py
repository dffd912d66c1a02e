import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from rich.cells import cell_len
from rich.console import Console

from dedup.candidates import LARGE_GROUPS
from dedup.findings import Checked, Finding, SharedPage, StaleEntry
from dedup.model import FunnelStage, Skipped
from dedup.report.console import Printer
from dedup.report.gate import render

from .conftest import ANY_TEXT, HOSTILE, checked_of, entry, hostile, many, match, one_finding, written
from .test_as_github import parsed


def test_seeds_on_80_columns(seeds: Checked) -> None:
    assert written(seeds, "text") == (
        "3 new records in 3 languages (en 1, hi 1, ro 1), 2 skipped, against 4 known\n"
        "Not counted as known: 1 among the new ones, 2 whose file is gone\n"
        "12 segments of 1 long record not compared by meaning (all with --format json)\n"
        "\n"
        "-:9  ro, 3,893 characters\n"
        "   A substantial part in common with more.jsonl:3 (17) (en, new): probability\n"
        "   0.700\n"
        "      passages align 0.66, figures shared: 402 317 113 96, same source URL;\n"
        "      against it: lengths differ by a factor of 1.4\n"
        "\n"
        "seeds/004.txt  hi, 3,893 characters\n"
        "   A translation of seeds/000.txt (ar, known): probability 0.998\n"
        "      same source: https://example.vn/cai-cach.html\n"
        "      passages align 0.66, figures shared: 402 317 113 96, same source URL;\n"
        "      against it: lengths differ by a factor of 1.4\n"
        "   A near-duplicate of seeds/002.txt (ar, known): probability 0.610\n"
        "      1 further record has that very text\n"
        "\n"
        "1 pair that the baseline accepts\n"
        "   more.jsonl:3 (17): A translation of seeds/002.txt (ar, known): probability\n"
        "   0.900\n"
        "\n"
        "more.jsonl:3 (17)\n"
        "   Cites the page of seeds/002.txt, though the contents disagree: look at the\n"
        "   citation\n"
        "   https://example.vn/\n"
        "   a home page\n"
        "\n"
        "The baseline accepts seeds/001.txt with seeds/004.txt, which is no longer found:\n"
        "take its line out, or let --update-baseline do it\n"
        "\n"
        "Skipped\n"
        "   more.jsonl:4: not JSON\n"
        "   seeds/empty.txt: empty text\n"
        "\n"
        "Skipped of the known input\n"
        "   old/x.txt: empty text\n"
        "\n"
        "2 new records carry the article of a known or another new one, apart from 1 that\n"
        "the baseline accepts; skipped: 2 pieces of the new input and 1 piece of the\n"
        "known input; 2.1 s.\n"
    )


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (checked_of(), "No new record carries the article of a known or another new one; 2.1 s."),
        (many(1), "1 new record carries the article of a known one; 2.1 s."),
        (many(2, known=False), "2 new records carry the article of another new one; 2.1 s."),
        (
            many(1, accepted=True),
            "No new record carries the article of a known or another new one, "
            "apart from 1 that the baseline accepts; 2.1 s.",
        ),
    ],
)
def test_last_line_is_the_verdict(check: Checked, said: str) -> None:
    assert written(check, "text", width=200).splitlines()[-1] == said


def test_long_lists_are_cut_and_the_cut_is_stated() -> None:
    matches = tuple(match(entry(f"k{number}.txt")) for number in range(8))
    first = Finding(entry("000.txt"), matches)
    check = many(23)
    accepted = [Finding(entry(f"x{n:02d}.txt"), (match(entry("k"), accepted=True),)) for n in range(12)]
    others = tuple(entry(f"o{number}.txt") for number in range(7))
    shown = written(
        replace(
            check,
            findings=(first, *check.findings[1:], *accepted),
            shared_pages=tuple(
                SharedPage(entry(f"p{n:02d}"), others, "https://e.org/", "a tag page") for n in range(13)
            ),
            stale=tuple(StaleEntry(f"s{number:02d}", "t") for number in range(24)),
            skipped=tuple(Skipped("t.jsonl", line, "not JSON") for line in range(1, 16)),
        ),
        "text",
        width=150,
    )
    assert "seeds/k4.txt (en, known)" in shown
    assert "seeds/k5.txt (en, known)" not in shown
    cuts = [line.strip() for line in shown.splitlines() if "…" in line]
    assert cuts == [
        "… and 3 more (all with --format json)",
        "… and 3 more new records (all with --format json)",
        "… and 2 more (all with --format json)",
        *[cuts[3]] * 10,
        "… and 3 more (all with --format json)",
        "… and 4 more (all with --format json)",
        "… and 5 more (all with --format json)",
    ]
    assert "seeds/o4.txt, … 2 more, though the contents disagree" in cuts[3]


def test_names_from_right_to_left_do_not_turn_the_line() -> None:
    record, partner = entry("a", path="ملف.txt"), entry("b", path="خبر.txt")
    shown = written(one_finding(record, match(partner)), "text")
    assert "\n\u2068ملف.txt\u2069  en, 3,893 characters\n" in shown
    assert "A translation of \u2068خبر.txt\u2069 (en, known): probability 0.998\n" in shown


def test_record_in_no_file_goes_by_its_id() -> None:
    record = entry("made", path="")
    shown = written(one_finding(record, match(entry("k", path="", line=4))), "text")
    assert "\nmade  en, 3,893 characters\n   A translation of k (en, known)" in shown


def test_output_that_holds_no_unicode_gets_escapes() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    render(hostile("ملف"), "text", 1.0, Console(file=file, width=80))


def harmless(text: str, width: int) -> None:
    shown = written(hostile(text), "text", width)
    assert all(parsed(line) is None for line in shown.split("\n"))
    assert not set(shown) & {"\x1b", "\x00", "\x07", "\r", "\x85", "\u2028", "\u202e", "\x9b"}
    as_it_is = [line for line in shown.split("\n") if "\\x" not in line]  # what is spelled out is wider
    assert max(map(cell_len, as_it_is)) <= width


def test_line_that_was_made_harmless_and_so_wider_is_not_broken_into_a_command() -> None:
    file = io.StringIO()
    Printer(Console(file=file, width=22)).line("::a bcdef ::error::xyz")
    assert file.getvalue() == "\\x3a:a bcdef ::error::xyz\n"


@pytest.mark.parametrize("width", [12, 40, 200])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_record_commands_a_terminal_or_a_runner(text: str, width: int) -> None:
    harmless(text, width)


@settings(deadline=None)  # the machine may be busy
@given(ANY_TEXT)
def test_no_text_at_all_commands_a_terminal_or_a_runner(text: str) -> None:
    harmless(text, 30)


def test_pairs_that_a_limit_left_out_are_counted(seeds: Checked) -> None:
    assert "large groups" not in written(seeds, "text")
    left_out = replace(seeds, funnel=(*seeds.funnel, FunnelStage(LARGE_GROUPS, 1_234)))
    assert "1,234 pairs left out of large groups, at most, and so not compared\n" in written(left_out, "text")


def test_ends_of_long_known_records_are_counted(seeds: Checked) -> None:
    long = replace(seeds, known_shortened=2, known_dropped_segments=1_300)
    assert "\n1,300 segments of 2 long known records not compared by meaning\n" in written(long, "text")
