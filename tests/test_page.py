import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import page
from dedup.page import Page, split_page

SEEDS = Path(__file__).parent.parent / "seeds"
URL = "https://example.org/xa-thuan-an-386659.html"
ARTICLE = "The commune has 96 of 113 staff.\n\nIt received 402 files and solved 317."

SOURCE_LINES = [
    f"Source: {URL}",
    f"SOURCE : {URL}",
    f"Source - {URL}",
    f"Source {URL}",
    f"Read the original article at {URL}",
    f"Read more at {URL}",
    f"Đọc thêm tại: {URL}",
    f"Via {URL}",
    f"المصدر: {URL}",
    f"المصــدر : {URL}",
    f"منبع: {URL}",
    f"ماخذ: {URL}",
    f"Sursă: {URL}",
    f"स्रोत: {URL}",
    f"উৎস: {URL}",
    f"மூலம்: {URL}",
    f"మూలం: {URL}",
    f"ഉറവിടം: {URL}",
    f"මූලාශ්‍රය: {URL}",
    f"Nguồn: {URL}",
    f"Nguo\u0302\u0300n: {URL}",
    f"Theo: {URL}",
    f"来源：{URL}",
    f"原文链接：{URL}",
    f"【来源】{URL}",
    f"（來源：{URL}）",
    f"出典：{URL}",
    f"元の記事はこちら：{URL}",
    f"출처: {URL}",
    f"ที่มา: {URL}",
    f"ប្រភព៖ {URL}",
    f"ແຫຼ່ງທີ່ມາ: {URL}",
    f"ရင်းမြစ် - {URL}",
    f"Sumber: {URL}",
    f"Chanzo: {URL}",
    f"ምንጭ፦ {URL}",
    f"Աղբյուր՝ {URL}",
    f"წყარო: {URL}",
    f"Πηγή: {URL}",
    f"Источник: {URL}",
    f"Źródło: {URL}",
    f"Zdroj: {URL}",
    f"Forrás: {URL}",
    f"Lähde: {URL}",
    f"Kaynak: {URL}",
    f"Quelle: {URL}",
    f"Bron: {URL}",
    f"Fuente: {URL}",
    f"Lire l'article original : {URL}",
    f"המקור׃ {URL}",
    # nobody's language: the shape is enough
    f"Zzyzx: {URL}",
    f"Qapla' Hol – {URL}",
    f"Ꭰꮓꮝ: {URL}",
    # not all of the line
    f"Source: VnExpress ({URL})",
    f"Nguồn: Báo Lâm Đồng {URL}",
    f"Source: {URL} (accessed 3 May 2025)",
    f"Source (English): {URL}",
    # markup
    f"[Source]({URL})",
    f"**Source:** {URL}",
    f"*Nguồn: [Báo Lâm Đồng]({URL})*",
    f"Source: [{URL}]({URL})",
    f"[{URL}]({URL})",
    f"Source: <{URL}>",
    f"<{URL}>",
    f"({URL})",
    f"– Source: {URL}.",
    f"> {URL}",
    f"“{URL}”",
    f"स्रोत: {URL}।",
    f"Source: «{URL}»",
    # a line of its own, or two
    URL,
    f"Source:\n{URL}",
    f"Nguồn bài viết\n\n{URL}",
    f"Zzyzx:\n{URL}",
    # marks that are not seen
    f"\u200fالمصدر:\u200e {URL}\u200f",
    f"\u202bالمصدر\u202c: \u2066{URL}\u2069",
    f"\ufeffSource\u200b:\u00a0{URL}\u00a0",
    f"\u200c{URL}\u200d",
]

TEXT_LINES = [
    f"Anyone can read the report at {URL} and send their comments by Friday.",
    f"The book is at {URL}",
    f"He said the report, which is at {URL}, was late.",
    f"Source code of the whole system is found at {URL}",
    f"Người dân có thể xem báo cáo tại địa chỉ {URL} từ ngày mai.",
    f"In March, the office wrote: {URL}",
    f"{URL} is where the report can be found.",
    f"更多信息请访问政府网站的以下页面：{URL}",
    f"Figure 3: {URL}",
    f"Official website: {URL}",
    f"Facebook: {URL}",
    f"Ảnh: {URL}",
    "Source: the ministry of agriculture",
    "https://",
    "www.",
]

FURNITURE = [
    "تعليق (0)",
    "التعليقات (٣)",
    "نظرات (۱۲)",
    "Comentariu (0)",
    "टिप्पणी (0)",
    "टिप्पणी (०)",
    "মন্তব্য (2)",
    "கருத்து (1)",
    "Bình luận (12)",
    "Bình luận: 12",
    "0 Comments",
    "1,204 comments",
    "Comments (1.2K)",
    "No comments yet",
    "💬 Comments [3]",
    "コメント(3)",
    "コメント3件",
    "评论（0）",
    "0条评论",
    "댓글 0개",
    "ความคิดเห็น (0)",
    "Комментарии (5)",
    "Σχόλια (0)",
    "Kommentare (7)",
    "Commentaires (0)",
    "Yorumlar (0)",
    "תגובות (0)",
    "Sylwadau (0)",
    "Zzyzx (0)",
    "Ꭰꮓꮝ (4)",
    "Facebook Twitter Zalo Copy link",
    "Facebook | Twitter | WhatsApp",
    "Chia sẻ:",
    "Chia sẻ bài viết",
    "Share on Facebook",
    "Share this article",
    "Like 3 Share",
    "Partager sur WhatsApp",
    "分享到 微信 微博",
    "مشاركة",
    "In bài viết",
    "Print",
    "E-mail",
    "Print | Email | Share",
]

NOT_FURNITURE = [
    "Hà Nội (2025)",
    "Jane Doe (25)",
    "Chapter 3",
    "(1) merged from the communes of Sia and Quang An",
    "Share prices fell on Friday",
    "He sent a comment by email",
    "Comments on the draft close in May",
    "The vote: yes (12)",
    "Tags: commune, reform",
    "10 (5)",
]


@pytest.mark.parametrize("line", SOURCE_LINES)
def test_a_source_line_at_the_end_is_taken_out(line: str) -> None:
    assert split_page(f"{ARTICLE}\n{line}\n").source_url == URL
    assert split_page(f"{ARTICLE}\n{line}\n").text == ARTICLE


@pytest.mark.parametrize("line", TEXT_LINES)
def test_a_sentence_that_mentions_a_url_stays(line: str) -> None:
    text = f"{ARTICLE}\n{line}"
    assert split_page(text) == Page(text, None, ())


@pytest.mark.parametrize("line", FURNITURE)
def test_furniture_at_the_end_is_taken_out(line: str) -> None:
    assert split_page(f"{ARTICLE}\n\n{line}\n") == Page(ARTICLE, None, (line,))


@pytest.mark.parametrize("line", NOT_FURNITURE)
def test_a_closing_line_that_is_no_furniture_stays(line: str) -> None:
    text = f"{ARTICLE}\n{line}"
    assert split_page(text) == Page(text, None, ())


@pytest.mark.parametrize("line", ["Chapter (3)", "0 Comments", "Share:", "Hà Nội (2025)", URL])
def test_what_stands_in_the_middle_stays(line: str) -> None:
    text = f"First.\n{line}\nLast."
    assert split_page(text) == Page(text, None, ())


@pytest.mark.parametrize(
    ("name", "url", "furniture"),
    [
        ("000", "https://baolamdong.vn/xa-thuan-an-can-khan-truong-kien-toan-to-chuc-bo-may-can-bo-386659.html", 1),
        ("001", "https://huengaynay.vn/chinh-tri-xa-hoi/thao-go-kho-khan-buoc-dau-van-hanh-", 0),
        ("002", "https://huengaynay.vn/chinh-tri-xa-hoi/vai-tro-cua-cap-uy-trong-van-hanh-", 0),
        ("003", "https://gialai.gov.vn/tin-tuc/hoat-dong-cua-lanh-dao/pho-chu-tich-ubnd-tinh-duong-mah-tiep-", 1),
        ("004", "https://baolamdong.vn/xa-thuan-an-can-khan-truong-kien-toan-to-chuc-bo-may-can-bo-386659.html", 1),
    ],
)
def test_the_seeds_lose_their_source_line_and_counter(name: str, url: str, furniture: int) -> None:
    (path,) = SEEDS.glob(f"{name}_*.txt")
    page = split_page(path.read_text(encoding="utf-8"))
    assert page.source_url is not None
    assert page.source_url.startswith(url)
    assert len(page.furniture) == furniture
    assert "http" not in page.text
    assert not page.text.endswith("(0)")


def test_furniture_above_and_below_the_source_line_goes_too() -> None:
    page = split_page(f"{ARTICLE}\nShare:\nSource: {URL}\nFacebook Twitter\nTepelu (0)\n")
    assert page == Page(ARTICLE, URL, ("Share:", "Facebook Twitter", "Tepelu (0)"))


def test_a_source_line_with_a_few_lines_below_it_is_found() -> None:
    assert split_page(f"{ARTICLE}\nNguồn: {URL}\nTác giả: Jane Doe") == Page(f"{ARTICLE}\nTác giả: Jane Doe", URL, ())


def test_a_source_line_far_from_the_end_stays() -> None:
    text = f"{ARTICLE}\nSource: {URL}\n" + "\n".join(f"Paragraph {number}." for number in range(10))
    assert split_page(text) == Page(text, None, ())


@pytest.mark.parametrize(
    "start", [f"Source: {URL}", f"A title\nNguồn: {URL}", f"Source:\n{URL}", URL, f"Facebook Twitter\nSource: {URL}"]
)
def test_a_source_line_at_the_start_is_found(start: str) -> None:
    long_article = "\n".join(f"Paragraph {number}." for number in range(20))
    page = split_page(f"{start}\n\n{long_article}")
    assert page.source_url == URL
    assert "http" not in page.text
    assert page.text.endswith(long_article)


@pytest.mark.parametrize("title", ["Facebook", "Comments", "Chapter (3)"])
def test_a_title_that_reads_like_furniture_stays(title: str) -> None:
    assert split_page(f"{title}\n{ARTICLE}").text == f"{title}\n{ARTICLE}"


def test_of_several_source_lines_the_last_known_one_wins() -> None:
    page = split_page(f"{ARTICLE}\nSource: https://a.org/1\nNguồn: {URL}\nZzyzx: https://b.org/2\nhttps://c.org/3")
    assert page.source_url == URL
    assert page.text == ARTICLE


def test_a_source_wins_over_what_there_is_more_to_read() -> None:
    page = split_page(f"{ARTICLE}\nNguồn: {URL}\nXem thêm: https://b.org/2")
    assert page == Page(ARTICLE, URL, ("Xem thêm: https://b.org/2",))


def test_a_labelled_url_wins_over_a_bare_one() -> None:
    assert split_page(f"{ARTICLE}\nZzyzx: {URL}\nhttps://c.org/3") == Page(ARTICLE, URL, ("https://c.org/3",))


def test_an_unknown_label_amid_text_is_no_rival_to_a_known_one() -> None:
    page = split_page(f"{ARTICLE}\nZzyzx: https://b.org/2\nMore text.\nSource: {URL}")
    assert page == Page(f"{ARTICLE}\nZzyzx: https://b.org/2\nMore text.", URL, ())


@pytest.mark.parametrize(
    "lines",
    [
        "WHO: https://who.int/a\nCDC: https://cdc.gov/b",
        "https://a.org/1\nhttps://a.org/2",
        "References:\nhttps://a.org/1\nhttps://a.org/2",
        "Gold (3)\nSilver (2)\nBronze (1)",
    ],
)
def test_a_list_at_the_end_belongs_to_the_article(lines: str) -> None:
    assert split_page(f"{ARTICLE}\n{lines}") == Page(f"{ARTICLE}\n{lines}", None, ())


@pytest.mark.parametrize(
    ("written", "cited"),
    [
        ("https://example.org/a.", "https://example.org/a"),
        ("https://example.org/a).", "https://example.org/a"),
        ("https://example.org/a_(b)", "https://example.org/a_(b)"),
        ("(https://example.org/a_(b))", "https://example.org/a_(b)"),
        ("https://example.org/a।", "https://example.org/a"),
        ("«https://example.org/a»", "https://example.org/a"),
        ("'https://example.org/a'", "https://example.org/a"),
        ("https://example.org/a?b=1&c=2#d", "https://example.org/a?b=1&c=2#d"),
        ("https://example.org/tin/Huế", "https://example.org/tin/Huế"),
        ("www.example.org/a", "www.example.org/a"),
        ("HTTP://EXAMPLE.ORG", "HTTP://EXAMPLE.ORG"),
        ("example.org/a-b.html", "example.org/a-b.html"),
    ],
)
def test_the_url_ends_where_its_sentence_or_bracket_goes_on(written: str, cited: str) -> None:
    assert split_page(f"{ARTICLE}\nSource: {written}") == Page(ARTICLE, cited, ())


@pytest.mark.parametrize(
    "text", ["0 Comments", "Share:\n0 Comments", "Facebook Twitter", "Facebook Twitter\nZzyzx (3)"]
)
def test_a_text_of_furniture_only_stays_whole(text: str) -> None:
    assert split_page(f"\n{text}\n") == Page(text, None, ())


def test_a_text_of_a_source_line_only_stays_and_gives_its_source() -> None:
    assert split_page(f"Source: {URL}\n0 Comments") == Page(f"Source: {URL}\n0 Comments", URL, ())


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_a_blank_text_is_empty(text: str) -> None:
    assert split_page(text) == Page("", None, ())


def test_line_ends_within_the_article_stay() -> None:
    assert split_page(f"One.\r\n\r\nTwo.\r\nSource: {URL}\r\n").text == "One.\r\n\r\nTwo."


@pytest.mark.parametrize("unit", ["a ", "(", "https://a.org/ ", "Source: ", ":", " ", "[x](", "\u200b", "0 Comments "])
def test_a_line_of_two_million_characters_is_text(unit: str) -> None:
    line = "x" + unit * (2_000_000 // len(unit)) + "x"
    assert split_page(line) == Page(line, None, ())


@pytest.mark.parametrize(
    "unit", ["(", ")", " ", "[", "](", ":", "\u200b", "www.", "https://a.org/).", "-", "Source - "]
)
def test_the_longest_line_that_is_looked_at_costs_little(unit: str) -> None:
    for start in ["Source: ", "https://a.org/", "Comments ", ""]:
        line = (start + unit * 4_000)[:3_999]
        assert split_page(f"{line}x\n{line}x\nEnd.").text.endswith("End.")


def test_only_the_edges_of_a_hundred_thousand_lines_are_taken() -> None:
    text = "\n".join(f"Paragraph {number}" for number in range(100_000))
    assert split_page(f"{text}\n0 Comments").text == text


lines = st.one_of(
    st.sampled_from(
        [*SOURCE_LINES, *TEXT_LINES, *FURNITURE, *NOT_FURNITURE, "Text.", "", "Silver (2)", "Zzyzx:", "Source"]
    ),
    st.text(max_size=12),
)
texts = st.lists(lines, max_size=8).map("\n".join)


@given(texts)
@settings(max_examples=500, deadline=None)
def test_a_text_is_never_left_empty(text: str) -> None:
    assert bool(split_page(text).text) == bool(text.strip())


@given(texts)
@settings(max_examples=500, deadline=None)
def test_what_is_left_are_lines_of_the_text_in_their_order(text: str) -> None:
    rest = iter(line.strip() for line in text.splitlines())
    assert all(line.strip() in rest for line in split_page(text).text.splitlines())


@given(texts)
@settings(max_examples=500, deadline=None)
def test_no_furniture_is_left_for_a_second_look(text: str) -> None:
    again = split_page(split_page(text).text)
    assert {*FURNITURE, "Silver (2)"}.isdisjoint(again.furniture)


@given(st.text(st.sampled_from("](). x*\n"), max_size=14))
def test_what_may_stand_behind_a_url_is_told_without_trying_each_bracket(after: str) -> None:
    tried = r"(?:\]\(\S*\))?[\s\])}>）】」』»›”\"'’*_.,;:!?|।॥۔。，、…]*"
    assert (page._AFTER_URL.fullmatch(after) is None) == (re.fullmatch(tried, after) is None)


@given(st.text(st.sampled_from("https://a.org/)(.…"), max_size=14))
def test_closing_marks_are_taken_off_one_by_one(rest: str) -> None:
    url = expected = f"https://a{rest}"
    while expected[-1] in page._URL_END or (expected[-1] == ")" and expected.count(")") > expected.count("(")):
        expected = expected[:-1]
    assert page._without_closing_marks(url) == expected
