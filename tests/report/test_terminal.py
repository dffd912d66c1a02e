import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from dedup.model import Cluster, Conflict, Entry, Evidence, FunnelStage, Link, Relation, Report, Skipped, WholeReport
from dedup.report.terminal import render_summary

from .conftest import article, checked_document, link, report_of


def summary(report: Report, width: int = 80, seconds: float = 2.34) -> str:
    """What is printed when the output is piped."""
    checked_document(report)
    file = io.StringIO()
    render_summary(report, seconds, Console(file=file, width=width))
    return file.getvalue()


def many_pairs(number: int) -> tuple[list[Entry], list[Cluster]]:
    articles = [article(f"r{position:03d}") for position in range(2 * number)]
    clusters = [Cluster((left, left + 1), (link(left, left + 1),), 0.9) for left in range(0, 2 * number, 2)]
    return articles, clusters


def one_pair(evidence: list[Evidence], probability: float = 0.9) -> Report:
    return report_of([article("a"), article("b")], [Cluster((0, 1), (link(0, 1, probability, evidence),), 0.9)])


def test_boilerplate_is_told_where_there_is_some(seeds: Report) -> None:
    assert "boilerplate" not in summary(seeds)
    told = "\n1 passage of boilerplate, in several texts that are otherwise unlike, counted little\n"
    assert told in summary(replace(seeds, boilerplate=1), width=100)


def test_seeds_on_80_columns(seeds: Report) -> None:
    assert summary(seeds) == (
        "5 records in 4 languages (ar 2, fa 1, hi 1, ro 1), 2 skipped\n"
        "12 segments of 1 long record not compared by meaning (all in the JSON report: -o\n"
        "report.json)\n"
        "Pairs: source-url 1, vectors 1,234\n"
        "\n"
        "1. ar, hi: 2 records, confidence 0.998\n"
        "   https://example.vn/cai-cach.html\n"
        "   keep  004.txt  hi  3,600 characters\n"
        "         000.txt  ar  2,700 characters\n"
        "   translation 0.998: passages align 0.66, figures shared: 402 317 113 96, same\n"
        "   source URL; against it: lengths differ by a factor of 1.4\n"
        "\n"
        "1 page cited by records whose contents disagree\n"
        "   https://example.vn/\n"
        "      001.txt, 003.txt: a home page\n"
        "\n"
        "Skipped\n"
        "   seeds/more.jsonl:17: not JSON\n"
        "   seeds/notes.txt: empty\n"
        "\n"
        "1 cluster with 2 of 5 records (4 without the copies); 2.3 s.\n"
    )


def test_nothing_found_is_said() -> None:
    assert summary(replace(report_of([]), funnel=())) == (
        "0 records, 0 skipped\n\nNo two records carry the same article; 2.3 s.\n"
    )


@pytest.mark.parametrize(("seconds", "shown"), [(0.04, "0.0 s"), (59.97, "1 min 00 s"), (4000, "66 min 40 s")])
def test_time_is_in_minutes_from_one_minute_on(seconds: float, shown: str) -> None:
    assert summary(report_of([]), seconds=seconds).endswith(f"; {shown}.\n")


def test_no_line_is_wider_than_the_console(seeds: WholeReport) -> None:
    long = replace(seeds.articles[0], id="folder/" * 30 + "ملف.txt")
    for width in (40, 80):
        shown = summary(replace(seeds, articles=(long, *seeds.articles[1:])), width)
        assert max(cell_len(line) for line in shown.splitlines()) <= width
        unfolded = "".join(shown.split()).replace("ar2,700characters", "")
        assert "folder/" * 30 + "ملف.txt" in unfolded


def test_writing_from_right_to_left_does_not_turn_the_line_around_it() -> None:
    articles = [article("ملف", language="ar"), article("b")]
    assert "  \u2068ملف\u2069  ar" in summary(report_of(articles, [Cluster((0, 1), (link(0, 1),), 0.9)]))


def test_record_ids_can_neither_mark_up_nor_command_the_terminal() -> None:
    names = ("[red]a[/red] :smile:", "b\x1b[2J\r\n\u202e\x9b", "می\u200cخواهم")
    articles = [article(name, path=name) for name in names]
    shown = summary(
        report_of(
            articles,
            [Cluster((0, 1, 2), (link(0, 1),), 0.9)],
            [Conflict(f"https://e.org/{names[1]}", (0, 1), "[bold]x")],
            [Skipped(names[1], None, "\x07")],
        )
    )
    assert shown.count("[red]a[/red] :smile:") == 2
    assert shown.count(r"b\x1b[2J\r\n\u202e\x9b") == 4
    assert "می\u200cخواهم" in shown
    assert r"\x07" in shown
    assert not set(shown) & set("\x1b\r\x9b\u202e\x07")


def test_output_that_holds_no_unicode_gets_escapes() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    articles, clusters = many_pairs(21)
    articles[0] = article("ملف", language="ar")
    render_summary(report_of(articles, clusters), 1.0, Console(file=file, width=80))
    file.seek(0)
    shown = file.read()
    assert r"\u0645\u0644\u0641" in shown
    assert r"\u2026 and 1 more cluster" in shown


def test_colour_only_decorates(seeds: Report) -> None:
    file = io.StringIO()
    render_summary(seeds, 2.34, Console(file=file, width=80, force_terminal=True, color_system="standard"))
    assert "\x1b[1m1. ar, hi" in file.getvalue()
    assert "\x1b[32m004.txt" in file.getvalue()


def test_first_20_clusters_are_listed_and_the_rest_counted() -> None:
    shown = summary(report_of(*many_pairs(23)))
    assert "\n20. en: 2 records" in shown
    assert "\n21. " not in shown
    assert "\n… and 3 more clusters (all in the JSON report: -o report.json)\n" in shown
    assert "more cluster" not in summary(report_of(*many_pairs(20)))


def test_flags_stand_before_the_line_of_their_cluster() -> None:
    cluster = Cluster((0, 1), (link(0, 1),), 0.4, flags=("giant: 1,204 different texts of 5,000", "loose: [so]"))
    shown = summary(report_of([article("a"), article("b")], [cluster]))
    assert "\n! giant: 1,204 different texts of 5,000\n! loose: [so]\n1. en: 2 records" in shown


def test_flagged_clusters_are_among_those_listed_under_their_own_numbers() -> None:
    articles, clusters = many_pairs(60)
    clusters[40] = replace(clusters[40], flags=("giant: so many",))
    shown = summary(report_of(articles, clusters))
    assert "\n! giant: so many\n41. en: 2 records" in shown
    assert "\n19. en" in shown
    assert "\n20. en" not in shown
    assert "\n… and 40 more clusters (all in" in shown


def test_flagged_clusters_that_do_not_fit_are_counted() -> None:
    articles, clusters = many_pairs(60)
    clusters[30:55] = [replace(one, flags=("loose: so and so",)) for one in clusters[30:55]]
    shown = summary(report_of(articles, clusters))
    assert shown.count("! loose: so and so") == 20
    assert "\n… and 40 more clusters, 5 of them flagged (all in" in shown


def test_what_one_finder_alone_brought_is_told_apart() -> None:
    stages = [("facts", 5), ("vectors", 9), ("candidates", 10), ("facts alone", 0), ("vectors alone", 1_234)]
    funnel = tuple(FunnelStage(*stage) for stage in (*stages, ("judged", 10)))
    shown = summary(replace(report_of([]), funnel=funnel))
    assert "Pairs: facts 5, vectors 9, candidates 10\nDecided: judged 10\n" in shown
    assert "\nCandidates that one finder alone brought: vectors 1,234\n" in shown


def test_other_long_lists_are_cut_and_the_cut_is_stated() -> None:
    articles = [article(f"r{number:03d}", language=f"l{number:03d}") for number in range(25)]
    everyone = tuple(range(25))
    conflicts = [Conflict(f"https://e.org/{number:02d}", everyone, "tag page") for number in range(12)]
    skipped = [Skipped("t.jsonl", line, "not JSON") for line in range(1, 14)]
    shown = summary(report_of(articles, [Cluster(everyone, (link(0, 1),), 0.9)], conflicts, skipped))
    assert "l009 1, … 15 more), 13 skipped" in " ".join(shown.split())
    assert "\n         … and 5 more\n" in shown
    assert "https://e.org/09\n" in shown
    assert "https://e.org/10\n" not in shown
    assert "\n   … and 2 more (all in the JSON report: -o report.json)\n" in shown
    assert "r019, … 5 more: tag page" in " ".join(shown.split())
    assert "t.jsonl:10: not JSON\n   … and 3 more (all in" in shown


def test_kept_member_is_listed_however_many_there_are() -> None:
    articles = [article(f"r{number:03d}", "x" * (number + 1)) for number in range(25)]
    shown = summary(report_of(articles, [Cluster(tuple(range(25)), (link(0, 1),), 0.9)]))
    assert "\n   keep  r024" in shown


def test_strongest_evidence_comes_first_and_four_on_each_side_at_most() -> None:
    weights = [0.5, 3.0, 2.0, -1.0, 1.0, -2.0, 0.25, -0.5, -0.25, -0.125]
    evidence = [Evidence(f"e{number}", number + 0.5, weight) for number, weight in enumerate(weights)]
    assert (
        "translation 0.900: e1=1.50, e2=2.50, e4=4.50, e0=0.50; against it: e5=5.50, e3=3.50, e7=7.50, e8=8.50\n"
    ) in summary(one_pair(evidence), width=120)


@pytest.mark.parametrize(
    ("evidence", "phrase"),
    [
        (Evidence("source-url", 1.0, 2.8), "same source URL"),
        (Evidence("same-text", 1.0, 12.0), "same text"),
        (Evidence("alignment", 0.66, 4.1), "passages align 0.66"),
        (Evidence("alignment", 0.2, -4.1), "against it: passages align only 0.20"),
        (Evidence("containment", 0.7, 1.0), "one text found in the other 0.70"),
        (Evidence("order", -0.4, -1.0), "against it: passages in another order"),
        (Evidence("shared-figures", 4.4, 2.0, "402 317 and 4 more"), "figures shared: 402 317 and 4 more"),
        (Evidence("missing-figures", 3.1, -2.0, "12 {x}"), "against it: figures missing: 12 {x}"),
        (Evidence("clashing-figures", 0.6, -2.0, "1015/842"), "against it: figures clash: 1015/842"),
        (Evidence("shingles", 0.5, 2.0), "wording shared 0.50"),
        (Evidence("length", 0.3365, -0.5), "against it: lengths differ by a factor of 1.4"),
        (Evidence("length", 2.0, -3.0), "against it: lengths differ by a factor of 7.4 or more"),
        (Evidence("new-kind", 2.0, 1.0, "so and so"), "new-kind=2 (so and so)"),
    ],
)
def test_evidence_reads_as_plain_english(evidence: Evidence, phrase: str) -> None:
    assert f"\n   translation 0.900: {phrase}\n" in summary(one_pair([evidence]), width=120)


def test_evidence_of_hardly_any_weight_is_left_out() -> None:
    evidence = [Evidence("alignment", 0.5, 1.0), Evidence("length", 0.1, -0.049), Evidence("shingles", 0.1, 0.049)]
    assert "\n   translation 0.900: passages align 0.50\n" in summary(one_pair(evidence))


def test_what_only_sets_the_scale_is_no_reason() -> None:
    evidence = [Evidence("prior", 1.0, 4.2)]
    assert "\n   translation 0.900\n" in summary(one_pair(evidence))


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(1.0, "1.000"), (0.999_6, ">0.999"), (0.999_4, "0.999"), (0.0, "0.000"), (0.000_4, "<0.001"), (0.000_6, "0.001")],
)
def test_probability_looks_certain_only_if_it_is(probability: float, shown: str) -> None:
    assert f"\n   translation {shown}\n" in summary(one_pair([], probability))


def test_of_several_links_the_weakest_is_explained() -> None:
    links = (
        link(0, 1, 0.99),
        link(0, 2, 0.8, [Evidence("alignment", 0.5, 1.4)]),
        Link(1, 2, Relation.NEAR_DUPLICATE, 0.9, (), ()),
    )
    shown = summary(report_of([article("a"), article("b"), article("c")], [Cluster((0, 1, 2), links, 0.85)]), width=120)
    assert ("3 links (translation 2, near-duplicate 1), the weakest: translation 0.800: passages align 0.50\n") in shown


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.412, "confidence 0.850, weakest pair 0.412 (b and c)\n"), (0.9, "confidence 0.850\n")]
)
def test_weakest_pair_is_told_where_it_is_weak(probability: float, shown: str) -> None:
    cluster = Cluster((0, 1, 2), (link(0, 1), link(0, 2)), 0.85, link(1, 2, probability))
    assert shown in summary(report_of([article("a"), article("b"), article("c")], [cluster]))


def test_weakest_pair_of_two_is_told_by_their_link() -> None:
    cluster = Cluster((0, 1), (link(0, 1, 0.6),), 0.6, link(0, 1, 0.6))
    assert "weakest" not in summary(report_of([article("a"), article("b")], [cluster]))


def test_cluster_without_a_link_says_so() -> None:
    shown = summary(report_of([article("a"), article("b")], [Cluster((0, 1), (), 0.45)]))
    assert "no pair reaches the threshold by itself" in shown


@pytest.mark.parametrize("width", [50, 80])
def test_no_id_commands_a_runner_however_it_is_folded(width: int) -> None:
    ids = ("a folder/x::error::y.txt", "::stop-commands::z", "b ##[error]c")
    articles = [article(name) for name in ids]
    shown = summary(report_of(articles, [Cluster((0, 1, 2), (link(0, 1), link(1, 2)), 0.9)]), width)
    assert "stop-comm" in shown
    assert not [line for line in shown.splitlines() if line.lstrip().startswith("::") or "##[" in line]
