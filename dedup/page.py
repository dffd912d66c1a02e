"""The article apart from the page around it: its source line, comment counter and share buttons.

Copied articles end, in any language, like this::

    Nguồn: https://example.org/a-b-c.html
    Bình luận (0)

Such lines are known by their shape (a short label, a colon of some script, a URL; a short phrase with a number
in brackets), so that a language nobody thought of works too. Vocabularies at the end of this file add what the
shape alone cannot tell. What only has the shape, twice in a row, is a list that belongs to the article.

Lines are only ever taken whole, near the edges of a text, and a text is never left empty.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from dedup.code_points import Translation


@dataclass(frozen=True, slots=True)
class Page:
    """A text in its parts.

    ``text`` is the article, its lines as they were. ``source_url`` is the cited URL as written.
    ``furniture`` are the other lines that were taken out, from top to bottom.
    """

    text: str
    source_url: str | None
    furniture: tuple[str, ...]


_WINDOW: Final = 10  # non-empty lines at the end among which a source line may have text below it


def split_page(text: str) -> Page:
    """Take source line and furniture out of ``text``; where nothing else would be left, the text stays whole."""
    lines = text.splitlines(keepends=True)
    shown = [number for number, line in enumerate(lines) if line.strip(_BLANK)]
    rows = [lines[number] for number in shown]

    top = _opening(rows)
    bottom = _closing(rows)
    taken = {*range(top), *range(bottom, len(rows))}
    taken |= _sources_amid_text(rows, top, bottom, last_resort=_cited_row(rows, taken) is None)
    cited = _cited_row(rows, taken)
    source_url = None if cited is None else _read_row(rows, cited).url
    if len(taken) >= len(rows):
        return Page(text.strip(), source_url, ())

    if not taken:
        return Page(text.strip(), None, ())
    dropped = {shown[row] for row in taken}
    article = "".join(line for number, line in enumerate(lines) if number not in dropped)
    furniture = tuple(_visible(rows[row]) for row in sorted(taken) if row != cited)
    return Page(article.strip(), source_url, furniture)


# --- where the article begins and ends ------------------------------------------------------------------------


class _Kind(IntEnum):
    """What a line is. Among lines that cite a URL, the greater kind is the surer source."""

    TEXT = 0
    FURNITURE = 1
    COUNTER = 2  # by shape alone
    LABEL = 3  # of the URL on the next line
    BARE_URL = 4
    LABELLED_URL = 5  # by shape alone
    READ_MORE = 6  # the original, or another article on the matter
    SOURCE = 7


_LISTS_WHEN_REPEATED: Final = frozenset({_Kind.COUNTER, _Kind.BARE_URL, _Kind.LABELLED_URL})


@dataclass(frozen=True, slots=True)
class _Row:
    kind: _Kind
    url: str | None = None


def _opening(rows: Sequence[str]) -> int:
    """The row at which the article begins. A lone word such as "Facebook" may be its title, and stays."""
    row = 0
    while row < len(rows) and _opens_page(rows, row):
        row += 1
    return row


def _opens_page(rows: Sequence[str], row: int) -> bool:
    kind = _read_row(rows, row).kind
    if kind == _Kind.FURNITURE:
        return _is_furniture(_visible(rows[row]), least=2)
    if kind in {_Kind.BARE_URL, _Kind.LABELLED_URL}:
        return row + 1 < len(rows) and _read_row(rows, row + 1).kind != kind
    if kind == _Kind.LABEL:
        kind = _read_row(rows, row + 1).kind
    return kind >= _Kind.READ_MORE


def _closing(rows: Sequence[str]) -> int:
    """The row at which the article has ended."""
    row = len(rows)
    while row > 0 and _closes_page(rows, row - 1):
        row -= 1
    return row


def _closes_page(rows: Sequence[str], row: int) -> bool:
    kind = _read_row(rows, row).kind
    if kind in _LISTS_WHEN_REPEATED and row > 0:
        return _read_row(rows, row - 1).kind != kind
    return kind != _Kind.TEXT


def _sources_amid_text(rows: Sequence[str], top: int, bottom: int, *, last_resort: bool) -> set[int]:
    """The source lines that have text around them: just below a title, or among the last lines.

    As a last resort a label that is not known to mean "source" counts too, if it is the one labelled URL.
    """
    last = range(max(top + 1, len(rows) - _WINDOW), bottom)
    below_title = range(top + 1, min(top + 2, bottom))
    citing = {row for row in (*last, *below_title) if _may_hold_url(rows[row])}
    found = [row for row in citing if _read_row(rows, row).kind >= _Kind.READ_MORE]
    labelled = [row for row in last if row in citing and _read_row(rows, row).kind == _Kind.LABELLED_URL]
    if last_resort and not found and len(labelled) == 1:
        found = labelled
    labels = [row - 1 for row in found if row - 1 > top and _read_row(rows, row - 1).kind == _Kind.LABEL]
    return {*found, *labels}


def _cited_row(rows: Sequence[str], taken: Iterable[int]) -> int | None:
    """The surest source, and of several the last one."""
    citing = [row for row in taken if _read_row(rows, row).url is not None]
    return max(citing, key=lambda row: (_read_row(rows, row).kind, row), default=None)


def _read_row(rows: Sequence[str], row: int) -> _Row:
    """What a line is, knowing its neighbours: a label may stand on the line above its URL."""
    read = _read_line(rows[row])
    if read.kind == _Kind.BARE_URL:
        return _Row(_kind_of_bare_url(rows, row), read.url)
    if read.kind == _Kind.TEXT and _kind_of_bare_url(rows, row + 1) > _Kind.BARE_URL:
        return _Row(_Kind.LABEL)
    return read


def _kind_of_bare_url(rows: Sequence[str], row: int) -> _Kind:
    """What the line above makes of a URL that fills a line; TEXT if ``row`` is no such line."""
    if row >= len(rows) or _read_line(rows[row]).kind != _Kind.BARE_URL:
        return _Kind.TEXT
    in_list = row + 1 < len(rows) and _read_line(rows[row + 1]).kind == _Kind.BARE_URL
    if row == 0 or in_list or len(rows[row - 1]) > _LONGEST_LEAD or _read_line(rows[row - 1]).kind != _Kind.TEXT:
        return _Kind.BARE_URL
    return max(_Kind.BARE_URL, _kind_of_citation(lead=_visible(rows[row - 1]), after=""))


# --- one line -------------------------------------------------------------------------------------------------

# Marks that are not seen: direction (200E-F, 202A-E, 2066-9, 061C), zero-width space, word joiner, BOM, soft hyphen.
_UNSEEN: Final = "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad"
_UNSEEN_MARKS: Final = re.compile(f"[{_UNSEEN}]+")
# The joiners are seen within words (Persian, Hindi), but not around them.
_BLANK: Final = _UNSEEN + "\u200c\u200d" + "".join(filter(str.isspace, map(chr, range(0x3001))))

_LONGEST_LINE: Final = 4_000  # room for a percent-encoded URL; a longer line is text
_LONGEST_LEAD: Final = 120


def _read_line(line: str) -> _Row:
    return _read_short_line(line) if len(line) <= _LONGEST_LINE else _Row(_Kind.TEXT)


@lru_cache(maxsize=256)  # a line is read again for each of its neighbours
def _read_short_line(line: str) -> _Row:
    seen = _visible(line)
    cited = _read_citation(seen)
    if cited is not None:
        return cited
    if _is_furniture(seen, least=1):
        return _Row(_Kind.FURNITURE)
    return _Row(_Kind.COUNTER if _is_counter(seen) else _Kind.TEXT)


def _visible(line: str) -> str:
    return (line if line.isascii() else _UNSEEN_MARKS.sub("", line)).strip(_BLANK)


def _folded(text: str) -> str:
    """The words of ``text``, comparable: letters and their marks only, case folded, one space between words."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    return " ".join(folded.split())


def _letter(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or character == "\u0640":  # marks not seen, and the Arabic stretching mark
        return ""
    return character if category[0] in "LM" else " "


_LETTERS: Final = Translation(_letter)


# --- source lines ---------------------------------------------------------------------------------------------

_URL: Final = re.compile(
    r"(?:https?://|(?<![\w.@/-])www\.)\w[^\s<>\[\]{}\"`|“”„«»‹›（）【】「」『』《》〈〉，。；：！？、।॥۔،؛]*",
    re.IGNORECASE,
)
_WWW: Final = re.compile(r"[Ww][Ww][Ww]\.")
_URL_WITHOUT_SCHEME: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+/\S+")
_URL_END: Final = ".,;:!?'’‘…·*_~\u200c\u200d"

# The colons of all scripts, and dashes or arrows that stand free. Armenian, Hebrew, Ethiopic (wordspace, colon,
# preface colon), Khmer, Mongolian, ratio, modifier colon, and the full-width, small and vertical forms.
_COLONS: Final = ":：﹕︓∶ː꞉։՝׃፡፥፦៖᠄"
_SEPARATOR: Final = re.compile(rf"\s*[{_COLONS}]\s*|\s+[-–—|→»>]+(?:\s+|$)|[–—→]\s*|-$")
_BULLETS: Final = " \t\u00a0*_#>•·●▪►▶➤👉🔗-–—→([{<（【「『«“\"'|"
_OPENERS: Final = " \t\u00a0*_([{<（【「『«“\"'"
_AFTER_URL: Final = re.compile(r"(?>\]\(\S*\))?+[\s\])}>）】」』»›”\"'’*_.,;:!?|।॥۔。，、…]*")

_LONGEST_LABEL: Final = 40
_MOST_LABEL_WORDS: Final = 5
_LONGEST_HAN_LABEL: Final = 10  # a sentence in Chinese or Japanese has no spaces that give it away
_HAN_OR_KANA: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_NOT_IN_A_LABEL: Final = re.compile(r"[\d.,;!?。，！？،؛؟।]")
_LONGEST_NAME: Final = 80  # of the medium, between a known label and the URL
_LONGEST_NOTE: Final = 60  # after the URL of a known label: "(accessed 3 May)"


def _read_citation(line: str) -> _Row | None:
    """The URL of a line that is there to cite it; None for a sentence that mentions one."""
    match = _URL.search(line) if _may_hold_url(line) else None
    if match is None:
        return _read_citation_without_scheme(line)
    url = _without_closing_marks(match[0])
    if match.start() > _LONGEST_LEAD:
        return None
    kind = _kind_of_citation(_without_link_markup(line[: match.start()]), line[match.start() + len(url) :])
    return None if kind == _Kind.TEXT else _Row(kind, url)


def _read_citation_without_scheme(line: str) -> _Row | None:
    """``Source: example.org/a``: only after a known label."""
    if "/" not in line:
        return None
    line = line.lstrip(_BULLETS)
    separator = _SEPARATOR.search(line, 0, _LONGEST_LABEL)
    if separator is None:
        return None
    kind = _kind_of_label(line[: separator.start()])
    match = _URL_WITHOUT_SCHEME.fullmatch(line, separator.end())
    return None if kind is None or match is None else _Row(kind, _without_closing_marks(match[0]))


def _may_hold_url(line: str) -> bool:
    """False of most lines, in much less time than it takes to read them."""
    return "/" in line or _WWW.search(line) is not None


def _kind_of_citation(lead: str, after: str) -> _Kind:
    """What a line is that has ``lead`` before a URL and ``after`` behind it."""
    alone = _AFTER_URL.fullmatch(after) is not None
    lead = lead.lstrip(_BULLETS).rstrip(_OPENERS)
    if not lead:
        return _Kind.BARE_URL if alone else _Kind.TEXT
    label, *rest = _SEPARATOR.split(lead, maxsplit=1)
    known = _kind_of_label(label)
    if known is not None and len("".join(rest)) <= _LONGEST_NAME and len(after) <= _LONGEST_NOTE:
        return known
    return _Kind.LABELLED_URL if alone and rest == [""] and _is_short_label(label) else _Kind.TEXT


def _kind_of_label(label: str) -> _Kind | None:
    folded = _folded(label)
    if folded in _SOURCE_LABELS:
        return _Kind.SOURCE
    return _Kind.READ_MORE if folded in _READ_MORE_LABELS else None


def _is_short_label(label: str) -> bool:
    words = _folded(label).split()
    limit = _LONGEST_HAN_LABEL if _HAN_OR_KANA.search(label) else _LONGEST_LABEL
    return (
        0 < len(words) <= _MOST_LABEL_WORDS
        and len(label) <= limit
        and _NOT_IN_A_LABEL.search(label) is None
        and _OTHER_LABELS.isdisjoint(words)
    )


def _without_link_markup(lead: str) -> str:
    """``[Source](`` as ``Source:``, and ``Source: [The Times](`` as ``Source: The Times``."""
    if not lead.endswith("](") or "[" not in lead:
        return lead
    before, _, title = lead[:-2].rpartition("[")
    return before + title if before.strip(_BULLETS) else f"{title}:"


def _without_closing_marks(url: str) -> str:
    """``url`` without the punctuation of the sentence or bracket in which it stands."""
    end = len(url)
    unopened = url.count(")") - url.count("(")
    while (last := url[end - 1]) in _URL_END or (last == ")" and unopened > 0):
        end -= 1
        unopened -= last == ")"
    return url[:end]


# --- furniture ------------------------------------------------------------------------------------------------

_LONGEST_FURNITURE: Final = 100
_LONGEST_PHRASE: Final = 5  # words
_COUNTER_SHAPE: Final = re.compile(r"([^\d()（）\[\]]{2,40})[(（\[]\s*(\d[\d.,٬٫]{0,8})\s*+[KkMm]?\+?\s*+[)）\]]")
_MOST_COUNTER_WORDS: Final = 3
_NOT_IN_A_COUNTER: Final = re.compile(rf"[.,;!?/{_COLONS}]")
_YEARS: Final = range(1800, 2100)


def _is_counter(line: str) -> bool:
    """A short phrase with a number in brackets: ``تعليق (0)``. Neither ``Hà Nội (2025)`` nor ``Jane Doe (25)``."""
    match = _COUNTER_SHAPE.fullmatch(line)
    if match is None or (match[2].isdecimal() and int(match[2]) in _YEARS):
        return False
    phrase = match[1].strip()
    words = phrase.split()
    is_name = len(words) > 1 and all(word[0].isupper() for word in words)
    is_phrase = 0 < len(words) <= _MOST_COUNTER_WORDS and phrase[0].isalpha()
    return is_phrase and not is_name and _NOT_IN_A_COUNTER.search(phrase) is None


def _is_furniture(line: str, least: int) -> bool:
    """Whether ``line`` holds nothing but phrases of buttons and counters, and ``least`` of them or numbers."""
    if len(line) > _LONGEST_FURNITURE or not _begins_as_furniture(line):
        return False
    words = _folded(line).split()
    phrases: list[str] = []
    while words:
        size = _phrase_at_start(words)
        if size == 0:
            return False
        phrases.append(" ".join(words[:size]))
        del words[:size]
    buttons = [phrase for phrase in phrases if phrase not in _FILLER]
    return bool(buttons) and len(buttons) + len(re.findall(r"\d+", line)) >= least


def _begins_as_furniture(line: str) -> bool:
    """Whether the first word is one with which a known phrase begins: most lines need not be folded any further."""
    for part in line.split():
        if folded := _folded(part):
            return folded.partition(" ")[0] in _FIRST_OF_FURNITURE
    return False


def _phrase_at_start(words: Sequence[str]) -> int:
    """How many words the longest known phrase at the start of ``words`` has."""
    sizes = range(min(_LONGEST_PHRASE, len(words)), 0, -1)
    return next((size for size in sizes if " ".join(words[:size]) in _FURNITURE), 0)


# --- vocabularies ---------------------------------------------------------------------------------------------


def _vocabulary(*rows: str) -> frozenset[str]:
    return frozenset(_folded(phrase) for row in rows for phrase in row.split("|"))


# What stands before the URL of the original.
_SOURCE_LABELS: Final = _vocabulary(
    # Every language borrows these.
    "source|sources|url|source url|original link|via|original|permalink|canonical|original article|original source",
    "original post|article source|news source|source link|source article|originally published at",
    "originally published in|originally published on|first published at|published at|read the original",
    "read the original article|read the original article at|read original|retrieved from|taken from|from",
    "link to original|link to the original|courtesy",
    # Germanic
    "Quelle|Quellen|Originalartikel|Originalquelle|Ursprünglich erschienen|bron|bronnen|oorspronkelijk artikel",
    "kilde|kilder|originalartikkel|källa|källor|heimild|heimildir|kelda|Quell|boarne|oorspronklike artikel|מקור",
    # Romance
    "fuente|fuentes|fuente original|artículo original|tomado de|nota original|fonte|fontes|fonte original",
    "artigo original|matéria original|link original|la source|source originale|article original",
    "lire l'article original|lien source|fonti|articolo originale|tratto da|sursă|sursa|surse|articol original",
    "preluat de la|font|fonts|orixe|fonte orixinal|sorgente|sors|fònt|sous",
    # Slavic and Baltic
    "источник|источники|оригинал|оригинал статьи|взято из|джерело|джерела|оригінал|крыніца|крыніцы|арыгінал|извор",
    "извори|източник|източници|оригинална статия|преузето са|преузето из|źródło|źródła|zdroj|zdroje|původní článek",
    "pôvodný článok|vir|viri|izvor|izvori|preuzeto sa|preuzeto iz|originalni članak|šaltinis|šaltiniai|avots|avoti",
    # Other languages of Europe and the Caucasus
    "πηγή|πηγές|αρχικό άρθρο|burimi|burim|forrás|források|eredeti cikk|lähde|lähteet|alkuperäinen artikkeli",
    "allikas|allikad|iturria|jatorria|foinse|ffynhonnell|tùs|աղբյուր|աղբյուրը|წყარო|წყაროები|фонт",
    # Turkic, Mongolic, Iranian
    "kaynak|kaynaklar|haberin kaynağı|mənbə|mənbələr|manba|manbalar|манба|дереккөз|дереккөзі|булак|булагы|чыганак",
    "чыганагы|çeşme|çeşmesi|مەنبە|эх сурвалж|сурвалж|منبع|منابع|لینک خبر|منبع خبر|سرچینه|سرچینې|çavkanî|jêder",
    "سەرچاوە|манбаъ|сарчашма|سرچشمه",
    # Semitic and other languages of Africa
    "المصدر|مصدر|المصادر|مصدر الخبر|رابط الخبر|رابط المقال|المقال الأصلي|نقلا عن|המקור|מקורות|לכתבה המקורית|ምንጭ",
    "ምንጮች|ፍልፍል|ምንጪ|madda|burqaa|chanzo|vyanzo|chanzo cha habari|tushe|majiya|orísun|isi mmalite|umthombo|imvelaphi",
    "mohloli|motswedi|kwakabva|inkomoko|xigasho|xigashada|loharano|gwero|ensibuko",
    # South Asia
    "स्रोत|स्त्रोत|स्रोतः|मूल लेख|मूल स्रोत|साभार|बातमी स्रोत|उत्स|উৎস|সূত্র|তথ্যসূত্র|সূত্রঃ|মূল নিবন্ধ|উৎসঃ|ਸਰੋਤ",
    "ਸ੍ਰੋਤ|સ્ત્રોત|સ્રોત|ଉତ୍ସ|ସୂତ୍ର|மூலம்|ஆதாரம்|மூல கட்டுரை|మూలం|మూలాలు|ಮೂಲ|ಆಧಾರ|ഉറവിടം|അവലംബം|මූලාශ්‍රය|මූලාශ්‍ර",
    "ماخذ|ذریعہ|حوالہ|بشکریہ|ذريعو|ماخذ لنڪ|މަސްދަރު|འབྱུང་ཁུངས|ཁུངས",
    # East and South-East Asia
    "nguồn|nguồn tin|nguồn bài viết|nguồn bài|theo|link gốc|bài gốc|link bài viết|link bài gốc|dẫn nguồn",
    "đọc bài gốc|đọc bài gốc tại đây|xem bài gốc|bài viết gốc|nguon|来源|来源于|文章来源|信息来源|新闻来源",
    "资料来源|原文|原文链接|原文地址|原文網址|出处|转自|转载自|本文来源|本文链接|阅读原文|来源链接|來源|文章來源",
    "資料來源|新聞來源|原文連結|出處|轉自|轉載自|閱讀原文|稿源|消息來源|消息来源|图文来源|出典|出所|引用元|引用",
    "元記事|情報源|ソース|参照元|記事元|元の記事はこちら|元記事はこちら|転載元|출처|원문|원문 링크|원문보기",
    "원문 보기|기사 원문|기사 출처|자료 출처|ที่มา|แหล่งที่มา|แหล่งข่าว|ที่มาข่าว|อ้างอิง|อ่านต้นฉบับ",
    "ขอบคุณข้อมูลจาก|ແຫຼ່ງທີ່ມາ|ແຫລ່ງຂ່າວ|ແຫຼ່ງຂໍ້ມູນ|ທີ່ມາ|ប្រភព|ប្រភពព័ត៌មាន|ដកស្រង់ពី|ရင်းမြစ်|မူရင်း",
    "သတင်းရင်းမြစ်|ပင်ရင်း|ကိုးကား|sumber|sumber berita|sumber asli|sumber artikel|artikel asli|dipetik daripada",
    "pinagmulan|pinagkunan|tinubdan|sumberna|asale|puna|mātāpuna|faapogai|punaʻoa|maʻuʻanga|fonto|fontoj|fons",
)

# What may stand before it, or before the URL of another article.
_READ_MORE_LABELS: Final = _vocabulary(
    "link|read more|read more at|full article|read full article|read the full article|read the full article at",
    "read the full story|more at|article link|link to article|Weiterlesen|Mehr lesen|Zum Artikel|lees meer",
    "lees verder|les mer|læs mere|läs mer|lesa meira|leer más|leer más en|ver más|enlace|leia mais|leia mais em",
    "saiba mais|lire la suite|lire l'article|lien|leggi di più|leggi tutto|leggi l'articolo|citește mai mult",
    "citește mai departe|citiți mai mult|llegir més|ссылка|читать далее|подробнее|посилання|читати далі|детальніше",
    "спасылка|чытаць далей|прочитај повеќе|прочети още|опширније|czytaj więcej|czytaj dalej|číst více|čítaj viac",
    "preberi več|pročitaj više|skaityti daugiau|lasīt vairāk|διαβάστε περισσότερα|lexo më shumë|tovább olvasom",
    "lue lisää|loe edasi|loe lähemalt|irakurri gehiago|darllen mwy|aqra iktar|կարդալ ավելին|ვრცლად|devamını oku",
    "haberin devamı|ardını oxu|batafsil|толығырақ|кененирээк|لینک|ادامه مطلب|متن کامل|الرابط|اقرأ المزيد|للمزيد",
    "קישור|לקריאה נוספת|לכתבה המלאה|ተጨማሪ ያንብቡ|soma zaidi|और पढ़ें|पूरा पढ़ें|अधिक वाचा|थप पढ्नुहोस्|আরও পড়ুন",
    "વધુ વાંચો|மேலும் படிக்க|ఇంకా చదవండి|ಇನ್ನಷ್ಟು ಓದಿ|കൂടുതൽ വായിക്കുക|مزید پڑھیں|xem thêm|xem thêm tại",
    "xem chi tiết|xem chi tiết tại|đọc thêm|đọc thêm tại|链接|連結|参考链接|参考|参照|続きを読む|記事全文|링크",
    "더 보기|자세히 보기|อ่านเพิ่มเติม|อ่านเพิ่มเติมได้ที่|អានបន្ថែម|baca selengkapnya|baca selengkapnya di",
    "baca lebih lanjut|basahin pa|legu pli",
)

# Words of labels before a URL that is not the article's own.
_OTHER_LABELS: Final = _vocabulary(
    "website|web|site|homepage|blog|facebook|fanpage|youtube|twitter|instagram|telegram|zalo|tiktok|linkedin",
    "whatsapp|wechat|weibo|viber|vk|email|mail|contact|tel|phone|hotline|fax|download|register|registration",
    "subscribe|donate|follow|photo|photos|image|images|picture|pictures|video|videos|audio|podcast|map|zoom|doi",
    "pdf|app|github|license|licence|foto|fotos|bild|bilder|imagen|imagem|immagine|photographie|фото|видео|сайт",
    "вебсайт|صورة|الصورة|فيديو|الموقع|عکس|وبسایت|फोटो|वीडियो|वेबसाइट|ảnh|hình|trang|图片|圖片|视频|影片|官网",
    "官方网站|写真|画像|動画|公式サイト|사진|영상|홈페이지|เว็บไซต์|ภาพ|situs|laman|gambar|sitio|sítio|webseite",
    "strona|stránky|weboldal|ιστοσελίδα|veb",
)

_COMMENTS: Final = _vocabulary(
    "comment|comments|no comments|no comments yet|add comment|add a comment|leave a comment|leave a reply",
    "view comments|show comments|view all comments|post a comment|be the first to comment|write a comment|reply",
    "replies|responses|Kommentar|Kommentare|Keine Kommentare|Kommentar schreiben|reactie|reacties|kommentarer",
    "kommentaarid|comentario|comentarios|sin comentarios|deja un comentario|comentário|comentários|commentaire",
    "commentaires|aucun commentaire|laisser un commentaire|commento|commenti|lascia un commento|comentariu",
    "comentarii|niciun comentariu|lasă un comentariu|comentari|comentaris|комментарий|комментарии|комментария",
    "комментариев|нет комментариев|коментар|коментарі|коментарів|коментари|каментар|каментары|komentarz|komentarze",
    "komentarzy|komentář|komentáře|komentářů|komentár|komentáre|komentar|komentari|komentara|komentarji|komentaras",
    "komentarai|komentārs|komentāri|σχόλιο|σχόλια|koment|komente|hozzászólás|hozzászólások|megjegyzés|kommentti",
    "kommentit|kommenttia|iruzkin|iruzkinak|sylw|sylwadau|մեկնաբանություն|մեկնաբանություններ|კომენტარი|კომენტარები",
    "yorum|yorumlar|yorum yap|şərh|şərhlər|izoh|izohlar|пікір|пікірлер|пикир|комментарийлер|сэтгэгдэл|نظر|نظرات",
    "دیدگاه|دیدگاه ها|دیدگاه‌ها|کامنت|تعليق|تعليقات|التعليقات|لا توجد تعليقات|أضف تعليق|أضف تعليقا|اترك تعليقا",
    "تبصرہ|تبصرے|תגובה|תגובות|אין תגובות|አስተያየት|አስተያየቶች|maoni|sharhi|faallo|टिप्पणी|टिप्पणियाँ|टिप्पणियां",
    "टिप्पणी करें|प्रतिक्रिया|प्रतिक्रियाएं|कमेंट|মন্তব্য|মন্তব্যসমূহ|টিপ্পনি|ਟਿੱਪਣੀ|ਟਿੱਪਣੀਆਂ|ટિપ્પણી|ટિપ્પણીઓ",
    "ମନ୍ତବ୍ୟ|கருத்து|கருத்துகள்|கருத்துக்கள்|వ్యాఖ్య|వ్యాఖ్యలు|ಕಾಮೆಂಟ್|ಕಾಮೆಂಟ್‌ಗಳು|അഭിപ്രായം|അഭിപ്രായങ്ങൾ|අදහස්",
    "අදහස් දැක්වීම්|bình luận|ý kiến|ý kiến bạn đọc|chưa có bình luận|viết bình luận|gửi bình luận|评论|条评论",
    "评论数|暂无评论|发表评论|評論|則評論|留言|則留言|コメント|コメントする|コメントなし|댓글|댓글쓰기|의견",
    "ความคิดเห็น|แสดงความคิดเห็น|ຄໍາເຫັນ|ຄຳເຫັນ|មតិយោបល់|មតិ|មិនមានមតិ|မှတ်ချက်|မှတ်ချက်များ|komentar anda",
    "tulis komentar|komen|ulasan|tinggalkan komentar|mga komento|komento|komentoj|opmerkings",
)

_SHARING: Final = _vocabulary(
    "facebook|twitter|zalo|whatsapp|telegram|messenger|linkedin|pinterest|reddit|viber|wechat|weibo|tumblr",
    "vkontakte|instagram|tiktok|google|bluesky|mastodon|threads|odnoklassniki|skype|flipboard|微信|微博",
    "фейсбук|твиттер|телеграм|share|share on|share via|share this|share this article|share this story",
    "share this post|share it|tweet|pin it|like|likes|copy|copy link|copy url|copied|link copied|print|print this",
    "print article|print this article|print this page|printer|email|e-mail|email this|email this article|send",
    "send by email|save|save article|bookmark|font size|like this|follow us on|teilen|Artikel teilen|drucken",
    "Link kopieren|merken|delen|afdrukken|link kopiëren|del|del på|dela|dela på|skriv ut|udskriv|kopiér link",
    "kopiera länk|compartir|compartir en|comparte|imprimir|copiar enlace|guardar|compartilhar|compartilhe",
    "partilhar|copiar link|partager|partager sur|partager cet article|imprimer|copier le lien|envoyer|condividi",
    "condividi su|stampa|copia link|distribuie|distribuiți|tipărește|copiază linkul|compartir a|imprimeix",
    "поделиться|поделитесь|распечатать|скопировать ссылку|копировать ссылку|печать|поділитися|друк|роздрукувати",
    "сподели|печат|подели|штампај|udostępnij|drukuj|kopiuj link|sdílet|tisk|vytisknout|kopírovat odkaz|zdieľať",
    "tlačiť|podijeli|podeli|ispis|štampaj|deli|natisni|dalintis|spausdinti|dalīties|drukāt|κοινοποίηση|μοιραστείτε",
    "εκτύπωση|megosztás|nyomtatás|jaa|jaa artikkeli|tulosta|jaga|prindi|paylaş|yazdır|bağlantıyı kopyala|paylaşın",
    "çap et|ulashish|бөлісу|хуваалцах|اشتراک گذاری|اشتراک‌گذاری|به اشتراک بگذارید|چاپ|کپی لینک|مشاركة|شارك",
    "شارك على|شارك المقال|طباعة|اطبع|نسخ الرابط|إرسال|بريد إلكتروني|فيسبوك|تويتر|واتساب|تيليجرام|فیس بک|ٹویٹر|شیئر",
    "شیئر کریں|פייסבוק|טוויטר|וואטסאפ|שתף|שיתוף|שתפו|הדפסה|הדפס|shiriki|shirikisha|शेयर|शेयर करें|साझा करें|प्रिंट",
    "फेसबुक|ट्विटर|व्हाट्सएप|व्हाट्सऐप|শেয়ার|শেয়ার করুন|ফেসবুক|টুইটার|প্রিন্ট|பகிர்|பகிர்க|పంచుకోండి|ಹಂಚಿಕೊಳ್ಳಿ",
    "chia sẻ|chia sẻ bài viết|chia sẻ trên|chia sẻ qua|sao chép|sao chép liên kết|in bài|in bài viết|in trang",
    "gửi email|lưu bài|lưu bài viết|thích|quan tâm|分享|分享到|转发|打印|收藏|点赞|复制链接|列印|轉發|複製連結",
    "シェア|シェアする|ツイート|共有|印刷|リンクをコピー|공유|공유하기|인쇄|링크 복사|페이스북|트위터|카카오톡",
    "แชร์|พิมพ์|คัดลอกลิงก์|เฟซบุ๊ก|ทวิตเตอร์|ແບ່ງປັນ|ចែករំលែក|မျှဝေ|မျှဝေပါ|bagikan|cetak|salin tautan|kongsi",
    "kongsikan|salin pautan|ibahagi|i-print",
)

# Words between those: they make no line furniture by themselves.
_FILLER: Final = _vocabulary(
    "x|line|on|via|to|this|article|story|post|with|by|or|and|link|k|m|en|sur|auf|su|op|pe|na|на|в|w|et|y|e|und|và|trên",
    "qua|ở|bài viết|件|条|條|則|个|개|على|عبر|و|در|پر|पर|di|ke|için|ile",
)
_FURNITURE: Final = _COMMENTS | _SHARING | _FILLER
_FIRST_OF_FURNITURE: Final = frozenset(phrase.partition(" ")[0] for phrase in _FURNITURE)
