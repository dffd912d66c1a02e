from dedup.conflicts import find_conflicts
from dedup.model import Cluster, Conflict, Entry, SourceKey

from .stages import entry, link

PAGE = "https://example.org/a-1.html"


def citing(url: str | None, *, names_article: bool = True) -> Entry:
    key = SourceKey(url.split(":")[1].replace("www.", ""), names_article) if url else None
    return entry("r", "en", url, key)


def alone(count: int) -> list[tuple[int, ...]]:
    return [(i,) for i in range(count)]


def test_articles_of_one_cluster_may_cite_one_page() -> None:
    articles = [citing(PAGE), citing(PAGE), citing(None)]
    assert find_conflicts(articles, alone(3), [Cluster((0, 1), (), 0.9)], [link(0, 1, 0.9)]) == ()


def test_no_citation_no_conflict() -> None:
    assert find_conflicts([citing(None), citing(None)], alone(2), [], []) == ()
    assert find_conflicts([], [], [], []) == ()


def test_articles_that_cite_one_page_and_disagree_are_a_conflict() -> None:
    articles = [citing(PAGE), citing(None), citing(PAGE)]
    (found,) = find_conflicts(articles, alone(3), [], [link(0, 2, 0.12)])
    assert found == Conflict(
        PAGE, (0, 2), "2 different articles cite it; the probability that two of them are one is 0.12 at most"
    )


def test_the_probability_is_that_of_pairs_in_different_clusters() -> None:
    articles = [citing(PAGE)] * 3
    judged = [link(0, 1, 0.99), link(0, 2, 0.2), link(1, 2, 0.3)]
    (found,) = find_conflicts(articles, alone(3), [Cluster((0, 1), (), 0.99)], judged)
    assert found.members == (0, 1, 2)
    assert found.reason.startswith("2 different articles")
    assert found.reason.endswith("0.30 at most")


def test_the_probability_is_that_of_pairs_that_cite_the_page() -> None:
    articles = [citing(PAGE), citing(PAGE), citing("https://example.org/b"), citing("https://example.org/b")]
    judged = [link(0, 1, 0.1), link(0, 2, 0.4), link(2, 3, 0.2)]
    first, second = find_conflicts(articles, alone(4), [], judged)
    assert (first.reason[-12:], second.reason[-12:]) == ("0.10 at most", "0.20 at most")


def test_no_probability_is_told_where_no_pair_was_compared() -> None:
    (found,) = find_conflicts([citing(PAGE)] * 2, alone(2), [], [])
    assert found.reason == "2 different articles cite it"


def test_a_page_that_names_no_article_is_called_so() -> None:
    articles = [citing("https://example.org/", names_article=False)] * 3
    (found,) = find_conflicts(articles, alone(3), [], [])
    assert found.members == (0, 1, 2)
    assert found.reason == "3 different articles cite it: a page that lists or introduces articles"


def test_copies_of_one_text_count_once() -> None:
    articles = [citing(PAGE)] * 3
    (found,) = find_conflicts(articles, [(0, 2), (1,)], [Cluster((0, 2), (), 1.0)], [link(0, 1, 0.25)])
    assert found.reason.startswith("2 different articles")
    assert found.reason.endswith("0.25 at most")


def test_spellings_of_one_url_are_one_page() -> None:
    articles = [citing(PAGE), citing("https://www.example.org/a-1.html")]
    (found,) = find_conflicts(articles, alone(2), [], [])
    assert found.source_url == PAGE


def test_conflicts_come_in_the_order_of_their_pages() -> None:
    urls = ["https://b.org/1", "https://a.org/1"] * 2
    found = find_conflicts([citing(url) for url in urls], alone(4), [], [])
    assert [c.source_url for c in found] == ["https://a.org/1", "https://b.org/1"]


def test_many_records_that_cite_one_home_page_are_quick() -> None:
    articles = [citing("https://example.org/", names_article=False)] * 20_000
    (found,) = find_conflicts(articles, alone(20_000), [], [])
    assert len(found.members) == 20_000
