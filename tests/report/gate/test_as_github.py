from dataclasses import replace

import pytest
from hypothesis import given, settings

from dedup.findings import Checked
from dedup.model import Skipped

from .conftest import ANY_TEXT, HOSTILE, checked_of, entry, hostile, many, match, one_finding, written

DATA = [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]
PROPERTY = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]
COMMANDS = ("error", "warning", "notice")


def unescaped(text: str, signs: list[tuple[str, str]]) -> str:
    for written_as, sign in signs:
        text = text.replace(written_as, sign)
    return text


def parsed(line: str) -> tuple[str, dict[str, str], str] | None:
    """What the runner takes a line for: its ``TryParseV2``, step by step; then whether its ``TryParse`` would."""
    if line.lstrip().startswith("::") and (end := line.lstrip().find("::", 2)) >= 0:
        line = line.lstrip()
        name, _, rest = line[2:end].partition(" ")
        properties = dict(part.split("=", 1) for part in rest.strip().split(",") if part)
        return (
            name,
            {key: unescaped(value, PROPERTY) for key, value in properties.items()},
            unescaped(line[end + 2 :], DATA),
        )
    assert "##[" not in line
    return None


def commands(checked: Checked) -> list[tuple[str, dict[str, str], str]]:
    *lines, last = written(checked, "github").splitlines()
    assert parsed(last) is None
    found = [parsed(line) for line in lines]
    assert None not in found
    return [one for one in found if one]


def test_findings_are_errors_beside_their_files(seeds: Checked) -> None:
    assert written(seeds, "github").splitlines() == [
        "::error title=dedup%3A a substantial part in common%3A another new record::A substantial part in common with "
        "more.jsonl:3 (17) (en, new): probability 0.700%0Apassages align 0.66, figures shared: 402 317 113 96, same "
        "source URL; against it: lengths differ by a factor of 1.4",
        "::error file=seeds/004.txt,title=dedup%3A a translation%3A a known record::A translation of seeds/000.txt "
        "(ar, known): probability 0.998%0Asame source: https://example.vn/cai-cach.html%0Apassages align 0.66, figures "
        "shared: 402 317 113 96, same source URL; against it: lengths differ by a factor of 1.4%0Aalso: A "
        "near-duplicate of seeds/002.txt (ar, known): probability 0.610",
        "::warning file=more.jsonl,line=3,title=dedup%3A one page%2C different contents::Cites the page of "
        "seeds/002.txt, though the contents disagree: look at the citation%0Ahttps://example.vn/%0Aa home page",
        "::warning title=dedup%3A the baseline accepts what is not there::The baseline accepts seeds/001.txt with "
        "seeds/004.txt, which is no longer found: take its line out, or let --update-baseline do it",
        "::warning file=more.jsonl,line=4,title=dedup%3A skipped::more.jsonl:4: not JSON",
        "::warning file=seeds/empty.txt,title=dedup%3A skipped::seeds/empty.txt: empty text",
        "::warning title=dedup%3A skipped of the known input::1 piece of the known input could not be "
        "used:%0Aold/x.txt: empty text",
        "::notice file=more.jsonl,line=3,title=dedup%3A a translation%3A a known record%2C accepted by the "
        "baseline::A translation of seeds/002.txt (ar, known): probability 0.900%0Apassages align 0.66, figures "
        "shared: 402 317 113 96, same source URL; against it: lengths differ by a factor of 1.4",
        "2 new records carry the article of a known or another new one, apart from 1 that the baseline accepts; "
        "skipped: 2 pieces of the new input and 1 piece of the known input (2 errors, 5 warnings, 1 notice).",
    ]


def test_nothing_found_is_one_line() -> None:
    assert written(checked_of(), "github") == (
        "No new record carries the article of a known or another new one (0 errors, 0 warnings, 0 notices).\n"
    )


def test_ten_of_a_kind_are_shown_by_github_and_more_are_announced_in_the_first_notice() -> None:
    limit = "GitHub shows 10 annotations of a kind for each step; the log of this step has all"
    assert limit not in written(many(10), "github")
    eleven = replace(many(11), skipped=(Skipped("a", None, "empty"),))
    told = commands(eleven)
    assert [name for name, _, _ in told] == ["error"] * 11 + ["warning", "notice"]
    assert told[-1][2] == f"11 errors, 1 warning, 0 notices: {limit}"
    assert f"(11 errors, 1 warning, 0 notices; {limit})." in written(eleven, "github").splitlines()[-1]
    accepted = commands(many(11, accepted=True))
    assert accepted[0][1] == {"title": "dedup: not all is shown"}


def test_other_matches_are_named_and_the_cut_is_stated() -> None:
    matches = [match(entry(f"k{number}.txt")) for number in range(9)]
    accepted = match(entry("known.txt"), accepted=True)
    (_, _, message), *_ = commands(one_finding(entry("a"), *matches, accepted))
    lines = message.split("\n")
    assert [line.startswith("also: A translation of seeds/k") for line in lines[2:7]] == [True] * 5
    assert lines[7:] == ["… and 3 more", "and 1 pair that the baseline accepts"]


@pytest.mark.parametrize("path", ["-", "", "<memory>"])
def test_what_is_in_no_file_has_none(path: str) -> None:
    where = entry("a", path=path, line=3)
    skipped = Skipped(path, 4, "empty") if path else Skipped("-", 4, "empty")
    for _, properties, _ in commands(replace(one_finding(where, match(where)), skipped=(skipped,))):
        assert set(properties) == {"title"}


def test_skipped_known_input_is_one_warning_however_much_it_is() -> None:
    skipped = tuple(Skipped(f"k{number}", None, "empty") for number in range(8))
    ((kind, _, message),) = commands(replace(checked_of(), known_skipped=skipped))
    assert kind == "warning"
    assert message.splitlines()[-1] == "… and 3 more"
    assert message.startswith("8 pieces of the known input could not be used:\nk0: empty\n")


def test_file_names_keep_their_signs() -> None:
    (_, properties, _), *_ = commands(many(1))
    assert properties["file"] == "seeds/000.txt"
    record = entry("a", path="a,line=7:b%0Ac=d ملف")
    (_, properties, _), *_ = commands(one_finding(record, match(record)))
    assert properties["file"] == "a,line=7:b%0Ac=d ملف"


def harmless(text: str) -> None:
    told = commands(hostile(text))
    kinds = [name for name, _, _ in told]
    assert kinds == ["error"] * 2 + ["warning"] * 6 + ["notice"]
    assert all(set(properties) <= {"file", "line", "title"} for _, properties, _ in told)
    assert all(properties["title"].startswith("dedup: ") for _, properties, _ in told)
    assert {properties.get("line", "3") for _, properties, _ in told} == {"3"}
    assert not {"\x1b", "\x07", "\x00", "\r", "\u202e"} & set(written(hostile(text), "github"))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_record_is_a_command_or_a_property(text: str) -> None:
    harmless(text)


@settings(deadline=None)  # the machine may be busy
@given(ANY_TEXT)
def test_no_text_at_all_is_a_command_or_a_property(text: str) -> None:
    harmless(text)
