"""Who stays and who goes."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup.apply
from dedup.apply import Choice, Plan, make_plan, parse_policies, parse_relations
from dedup.apply.policies import value_of
from dedup.apply.relations import Relations
from dedup.apply.site_language import languages_of_site
from dedup.errors import InputError
from dedup.language import declared_language
from dedup.model import Relation
from dedup.report.document import Document

from .corpora import EXACT, NEAR, Links, corpus_of, planned, removed_ids, report_on, translation

Row = Mapping[str, object]

PAGE = "https://baolamdong.vn/tin-tuc/xa-thuan-an-386659.html"


def table(folder: Path, rows: Sequence[Row], name: str = "t.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(id_: str, lang: str = "en", text: str = "one text", **more: object) -> Row:
    return {"id": id_, "lang": lang, "text": text, **more}


def kept(folder: Path, rows: Sequence[Row], *policies: str, links: Links | None = None) -> str:
    """The one that stays where all rows are one cluster."""
    path = table(folder, rows)
    report = report_on([path], [[str(one["id"]) for one in rows]], links)
    (decision,) = planned(report, path, choice=Choice(keep=parse_policies(policies))).decisions
    (stays,) = decision.kept
    assert {removal.id for removal in decision.removals} == {str(one["id"]) for one in rows} - {stays}
    return stays


# Policies


def test_longest_text_stays_and_of_equal_ones_the_smallest_id(tmp_path: Path) -> None:
    assert kept(tmp_path, [row("a"), row("b", text="one text more"), row("c")], "longest") == "b"
    assert kept(tmp_path, [row("b"), row("a"), row("c")], "longest") == "a"


def test_length_is_that_of_the_article_not_of_its_page(tmp_path: Path) -> None:
    source = f"one text\nSource: {PAGE}"
    assert kept(tmp_path, [row("a", text=source), row("b", text="one text!")], "longest") == "b"


def test_first_is_the_first_line(tmp_path: Path) -> None:
    assert kept(tmp_path, [row("z"), row("a", text="one text more")], "first") == "z"


def test_first_goes_by_the_order_of_the_given_paths(tmp_path: Path) -> None:
    one, other = table(tmp_path, [row("a")], "a.jsonl"), table(tmp_path, [row("b")], "b.jsonl")
    report = report_on([one, other], [["a", "b"]])
    choice = Choice(keep=parse_policies(["first"]))
    assert removed_ids(planned(report, one, other, choice=choice)) == ["b"]
    assert removed_ids(planned(report, other, one, choice=choice)) == ["a"]


def test_most_central_text_stays_and_copies_have_one_say(tmp_path: Path) -> None:
    rows = [row("a"), row("b", "de"), row("c", "fr"), row("d", "fr"), row("e", "fr")]
    links = {
        ("a", "b"): translation(0.9),
        ("b", "c"): translation(0.8),
        ("a", "c"): translation(0.6),
        ("c", "d"): EXACT,
        ("c", "e"): EXACT,
    }
    assert kept(tmp_path, rows, "central", links=links) == "b"
    assert kept(tmp_path, rows, "central", links={**links, ("a", "c"): translation(0.95)}) == "a"


def test_language_of_the_cited_site_stays(tmp_path: Path) -> None:
    rows = [row("a", "ar", url=PAGE), row("b", "vi", url=PAGE), row("c", "hi", text="one text more", url=PAGE)]
    assert kept(tmp_path, rows, "source-language") == "b"
    assert kept(tmp_path, [rows[0], rows[2]], "source-language", "longest") == "c"
    unknown = [{**one, "url": None} for one in rows]
    assert kept(tmp_path, unknown, "source-language") == "a"


def test_of_several_cited_sites_the_one_of_most_members_counts_however_it_is_spelled(tmp_path: Path) -> None:
    rows = [
        row("a", "de", url="https://zeit.de/artikel/7"),
        row("b", "vi", url=PAGE),
        row("c", "vi", url=PAGE),
        row("d", "fr", url="http://www.lemonde.fr/article/7/"),
        row("e", "de", url="https://lemonde.fr/article/7"),
        row("f", "en", url="https://www.lemonde.fr/article/7?utm_source=x"),
    ]
    assert kept(tmp_path, rows, "source-language") == "d"
    assert kept(tmp_path, rows[1:5], "source-language") == "b"  # two each: then either will do, and the id decides
    assert kept(tmp_path, rows[2:5], "source-language") == "d"


def test_clusters_whose_site_does_not_tell_its_language_are_counted(tmp_path: Path) -> None:
    path = table(
        tmp_path, [row("a", "ar", url=PAGE), row("b", "hi", url=PAGE), row("c", "vi", url=PAGE), row("d", "hi")]
    )
    report = report_on([path], [["a", "b"], ["c", "d"]])
    assert planned(report, path, choice=Choice(parse_policies(["source-language"]))).without_source_language == 1
    assert planned(report, path).without_source_language == 0


@pytest.mark.parametrize(
    ("url", "languages"),
    [
        ("https://baolamdong.vn/a.html", {"vi"}),
        ("https://www.bbc.co.uk/news/1", {"en"}),
        ("https://fr.example.org/a", {"fr"}),
        ("https://example.org/pt-br/a", {"pt"}),
        ("https://en.nhandan.vn/a.html", {"en"}),
        ("https://it.baolamdong.vn/a.html", {"vi"}),  # nobody is in Italian: a department
        ("https://example.ch/a", {"de", "fr"}),
        ("https://example.com/a", set()),
        ("https://example.io/a", set()),
        ("https://example.de:8080?id=7", {"de"}),
        ("no address", set()),
        ("", set()),
        ("http://[::1]/a", set()),
        ("http://[::1]/fr/a", {"fr"}),
        ("https://fr.example.co.uk", {"fr"}),
        ("https://vi.nl/a", set()),  # a name that somebody registered is no mark
        ("https://www.de.vn/a", {"vi"}),
        ("https://example.us/a", {"en"}),  # where Spanish is official in a region
        ("https://example.it/a", {"fr"}),  # likewise, but nobody is in Italian
    ],
)
def test_language_of_a_site_is_told_by_its_address(url: str, languages: set[str]) -> None:
    assert languages_of_site(url, ["de", "en", "fr", "pt", "vi"]) == languages


def test_table_of_site_languages_speaks_the_codes_of_reports() -> None:
    file = Path(dedup.apply.__file__).with_name("site_languages.json")
    table = json.loads(file.read_text(encoding="utf-8"))
    assert "CLDR" in table["source"]
    assert len(table["languages"]) > 200
    assert "ca" in table["regional"]["es"]
    for domain, languages in [*table["languages"].items(), *table["regional"].items()]:
        assert domain.islower()
        assert len(domain) == 2
        assert [declared_language(code) for code in languages.split()] == languages.split()


def test_preferred_languages_go_in_their_order(tmp_path: Path) -> None:
    rows = [row("a", "ar"), row("b", "fr"), row("c", "de")]
    assert kept(tmp_path, rows, "prefer:de,fr") == "c"
    assert kept(tmp_path, rows, "prefer:en,fra,DE") == "b"
    assert kept(tmp_path, rows, "prefer:en") == "a"


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ([1, 10, 9.5], "b"),
        (["2", "10", "+1e1"], "b"),
        ([2**53, 2**53 + 1, 2**53], "b"),
        (["2024-05-01", "2024-05-01T00:00:01Z", "2024-04-30"], "b"),
        (["2024-05-01T03:00+03:00", "2024-05-01T00:00:01", None], "b"),
        (["soon", 0, True], "b"),
        ([-3, float("nan"), -2], "c"),
    ],
)
def test_greatest_number_or_latest_date_stays(tmp_path: Path, values: list[object], best: str) -> None:
    rows = [row(id_, at=value) for id_, value in zip("abc", values, strict=True)]
    assert kept(tmp_path, rows, "max:at") == best


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_number_is_the_same_as_a_string(number: float) -> None:
    assert value_of(number) == Fraction(number)
    assert value_of(repr(number)) == Fraction(repr(number))


@given(st.datetimes(timezones=st.just(UTC)))
def test_date_is_what_it_writes(date: datetime) -> None:
    assert value_of(date.isoformat()) == date


def test_members_without_a_value_are_counted_and_go_first(tmp_path: Path) -> None:
    path = table(tmp_path, [row("a"), row("b", at="2024-01-01"), row("c", at="?")])
    report = report_on([path], [["a", "b", "c"]])
    plan = planned(report, path, choice=Choice(keep=parse_policies(["max:at"])))
    assert (removed_ids(plan), plan.without_value) == (["a", "c"], {"at": 2})


def test_field_that_nobody_has_and_values_that_do_not_compare_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path, [row("a", at=7), row("b", at="2024-01-01")])
    report = report_on([path], [["a", "b"]])
    with pytest.raises(InputError, match="'at' is a number in record 'a' and a date in 'b'"):
        planned(report, path, choice=Choice(keep=parse_policies(["max:at"])))
    with pytest.raises(InputError, match="no member of a cluster has a number or an ISO 8601 date in a field 'when'"):
        planned(report, path, choice=Choice(keep=parse_policies(["max:when"])))


def test_value_may_be_within_an_object_whose_name_is_before_the_dot(tmp_path: Path) -> None:
    rows = [row("a", meta={"score": {"x": 1}}), row("b", meta={"score": {"x": 3}}), row("c", meta=None)]
    assert kept(tmp_path, rows, "max:meta.score.x") == "b"
    assert kept(tmp_path, [{**row("a", m={"s": 9}), "m.s": 1}, row("b", m={"s": 2})], "max:m.s") == "b"


def test_next_policy_decides_ties(tmp_path: Path) -> None:
    rows = [row("a", "de", at=1), row("b", "fr", at=2), row("c", "fr", at=3)]
    assert kept(tmp_path, rows, "prefer:fr", "max:at") == "c"


@pytest.mark.parametrize(
    "text", ["", "short", "longest:x", "prefer", "prefer:", "max:", "max", "prefer:en,,de", "LONGEST"]
)
def test_policy_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^no (policy|language) "):
        parse_policies([text])


def test_relation_that_is_none_is_refused() -> None:
    assert parse_relations("exact, partial") == {Relation.EXACT, Relation.PARTIAL}
    with pytest.raises(InputError, match=r"^no relation 'near': give some of exact, "):
        parse_relations("exact,near")


@pytest.mark.parametrize("wrong", [{"keep": ()}, {"relations": frozenset()}, {"threshold": 1.5}])
def test_choice_without_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Choice(**wrong)  # type: ignore[arg-type]


# Restrictions

ARABIC_AND_HINDI = [
    row("a1", "ar", "one text more"),
    row("a2", "ar"),
    row("h1", "hi"),
    row("h2", "hi"),
    row("h3", "hi"),
]
BETWEEN: Links = {
    ("a1", "a2"): NEAR,
    ("a1", "h1"): translation(0.9),
    ("a2", "h1"): translation(0.7),
    ("h1", "h2"): EXACT,
    ("h1", "h3"): NEAR,
}


@pytest.fixture
def two_languages(tmp_path: Path) -> tuple[Path, Document]:
    path = table(tmp_path, ARABIC_AND_HINDI)
    return path, report_on([path], [["a1", "a2", "h1", "h2", "h3"]], BETWEEN)


def told(plan: Plan) -> list[tuple[str, str, str | None, float | None]]:
    return [(r.id, r.partner, r.relation, r.probability) for r in plan.removals]


def test_all_but_one_go_and_what_is_said_of_a_text_holds_for_its_copies(two_languages: tuple[Path, Document]) -> None:
    path, report = two_languages
    assert told(planned(report, path)) == [
        ("a2", "a1", "near-duplicate", 0.98),
        ("h1", "a1", "translation", 0.9),
        ("h2", "a1", "translation", 0.9),
        ("h3", "a1", None, None),
    ]


def test_only_named_relations_go_and_then_copies_of_what_stays_too(two_languages: tuple[Path, Document]) -> None:
    path, report = two_languages
    plan = planned(report, path, choice=Choice(relations=parse_relations("exact,near-duplicate")))
    assert told(plan) == [
        ("a2", "a1", "near-duplicate", 0.98),
        ("h2", "h1", "exact", 0.99999),
        ("h3", "h1", "near-duplicate", 0.98),
    ]
    assert plan.decisions[0].kept == ("a1", "h1")


def test_one_of_each_language_stays(two_languages: tuple[Path, Document]) -> None:
    path, report = two_languages
    assert [(r.id, r.partner) for r in planned(report, path, choice=Choice(per_language=True)).removals] == [
        ("a2", "a1"),
        ("h2", "h1"),
        ("h3", "h1"),
    ]


def test_of_texts_in_no_known_language_only_copies_go(tmp_path: Path) -> None:
    texts = ["1 2 3", "1 2 3", "4 5 6 7"]
    path = table(tmp_path, [{"id": id_, "text": text} for id_, text in zip("abc", texts, strict=True)])
    report = report_on([path], [["a", "b", "c"]], {("a", "b"): EXACT, ("a", "c"): translation(0.9)})
    assert {member.language for member in report.clusters[0].members} == {"und"}
    assert removed_ids(planned(report, path, choice=Choice(per_language=True))) == ["b"]


def test_only_what_is_probable_enough_goes(two_languages: tuple[Path, Document]) -> None:
    path, report = two_languages
    assert told(planned(report, path, choice=Choice(threshold=0.95))) == [
        ("a2", "a1", "near-duplicate", 0.98),
        ("h2", "h1", "exact", 0.99999),
        ("h3", "h1", "near-duplicate", 0.98),
    ]
    assert removed_ids(planned(report, path, choice=Choice(threshold=0.9))) == ["a2", "h1", "h2", "h3"][:3]


def test_flagged_clusters_are_left_whole_unless_asked_for(tmp_path: Path) -> None:
    path = table(tmp_path, [row("a"), row("b"), row("c"), row("d")])
    report = report_on([path], [["a", "b"], ["c", "d"]], flags=["loose: …"])
    plan = planned(report, path)
    assert removed_ids(plan) == ["d"]
    assert [decision.left_whole for decision in plan.decisions] == [True, False]
    assert removed_ids(planned(report, path, choice=Choice(flagged=True))) == ["b", "d"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_goes_has_a_partner_that_stays_and_fits_the_choice(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    ids = "abcdefg"
    languages = data.draw(st.lists(st.sampled_from(["ar", "hi"]), min_size=7, max_size=7))
    folder = tmp_path_factory.mktemp("t")
    path = table(folder, [row(id_, language) for id_, language in zip(ids, languages, strict=True)])
    pairs = st.lists(st.sampled_from([(a, b) for a in ids for b in ids if a < b]), max_size=12, unique=True)
    said = st.sampled_from([NEAR, translation(0.6), translation(0.9), (Relation.PARTIAL, 0.8)])
    report = report_on([path], [ids], {pair: data.draw(said) for pair in data.draw(pairs)})
    choice = Choice(
        relations=data.draw(st.none() | st.frozensets(st.sampled_from(Relation), min_size=1)),
        threshold=data.draw(st.none() | st.sampled_from([0.0, 0.7, 1.0])),
        per_language=data.draw(st.booleans()),
    )
    plan = planned(report, path, choice=choice)
    (decision,) = plan.decisions
    relations = Relations(report.clusters[0])
    language = dict(zip(ids, languages, strict=True))

    def may_stand(one: str, other: str) -> bool:
        link = relations.between(one, other)
        if choice.per_language and language[one] != language[other]:
            return False
        if choice.relations is None and choice.threshold is None:
            return True
        return (
            link is not None
            and (choice.relations is None or link[0] in choice.relations)
            and link[1] >= (choice.threshold or 0)
        )

    stay: list[str] = []
    partners = {}
    for id_ in ids:  # all are of one length: the policy leaves it to the id
        partner = next((one for one in stay if may_stand(one, id_)), None)
        if partner is None:
            stay.append(id_)
        else:
            partners[id_] = partner
    assert decision.kept == tuple(stay)
    assert {removal.id: removal.partner for removal in decision.removals} == partners


# The corpus is the one of the report


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Document]:
    path = table(tmp_path, [row("a"), row("b"), row("c", text="other")])
    return path, report_on([path], [["a", "b"]])


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([row("a"), row("c", text="other"), row("d")], "holds no record 'b' of the report"),
        (
            [row("a"), row("b", text="one text!"), row("c")],
            "record 'b' has changed since the report: 9 characters, not 8",
        ),
        ([row("a"), row("b", text="one tent"), row("c")], "record 'a' or 'b' has changed since the report"),
        ([row("a"), row("b"), row("c"), row("d")], "the report is on 3 records, and the input holds 4"),
        ([row("a"), row("b")], "the report is on 3 records, and the input holds 2"),
    ],
)
def test_corpus_that_has_changed_is_refused(copies: tuple[Path, Document], rows: list[Row], why: str) -> None:
    path, report = copies
    table(path.parent, rows)
    with pytest.raises(InputError, match=why):
        planned(report, path)


def test_rows_that_moved_and_lines_that_are_no_records_are_no_change(copies: tuple[Path, Document]) -> None:
    path, report = copies
    path.write_text("\nnull\n" + "".join(path.read_text().splitlines(keepends=True)[::-1]))
    (removal,) = planned(report, path).removals
    assert (removal.id, removal.line) == ("b", 4)


def test_of_records_with_one_id_the_one_that_the_run_compared_is_meant(tmp_path: Path) -> None:
    rows = [row("a", text=f"text {number}") for number in range(5)] + [row("b", text="one text more and more")]
    path = table(tmp_path, rows)
    report = report_on([path], [["a", "b"]])
    doubles = [one.line for one in report.skipped]
    assert len(doubles) == 4
    plan = make_plan(report, corpus_of(path))
    (removal,) = plan.removals
    assert removal.id == "a"
    assert {removal.line, *doubles} == {1, 2, 3, 4, 5}
    assert plan.standing.uncompared == (frozenset(line for line in doubles if line),)
