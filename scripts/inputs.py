"""The inputs that accuracy is measured on: held-out articles as they are, and harder ones made of them.

An input is one or more *draws*, each run on its own and counted together. All are made of the articles that
:func:`corpora.for_calibration` keeps for reporting, and of all of XQuAD; NTREX gives one text a language in its main
languages. Everything is drawn by generators seeded with names, so that the same corpora make the same inputs.

===========  =========================================================================================================
ntrex        news; as it is, like the next four
xquad        encyclopedia paragraphs, five of each article
tico         texts on one topic
courses      course pages
k8sdocs      documentation
mixed        these five as one input: each article must find its own among the other domains
twins        NTREX articles that state three figures or more: half of their languages carry other figures, digit for
             digit, the same ones in all languages. Two articles with one wording
name-twins   NTREX articles in languages of Latin script: half of them carry other names. A name is a word with a
             capital first letter that most of these languages spell alike; each becomes a name of another article, the
             same one in all languages; three names or more. Two articles with one wording
parts        NTREX articles cut, in all languages at the same lines, into texts of 1 to 5 lines. The other parts of its
             article are the neighbours of each
cuts         NTREX articles: half of their languages carry a part (the first 40 to 80 % of the lines, or as much from
             the middle) or the whole with teasers below it: the first lines of articles that are not in the input, the
             same ones for all, half as many lines as the text has at most. Still the same article
boilerplate  NTREX articles in 12 languages on the pages of three sites, each language of an article on another one. A
             site has the same furniture on all its pages: lines of articles that are not in the input, the same ones in
             all languages, 1, 1.5 and 2.3 times as long as half of its articles, so up to 70 % of a page and of short
             articles more; above and below the article, only below, only above. Each language in turn stands on no site
noisy        NTREX and Kubernetes documentation, some of the articles: typing errors; lines dropped and doubled;
             furniture of a page around the text; case lost; punctuation lost; some letters in the wrong encoding. Each
             text has some of these
sparse       NTREX, TICO-19, Kubernetes documentation and course pages together, 70 % of the articles in one language
             and the others in two, both drawn: most records have no partner, as in the seeds. Five draws
===========  =========================================================================================================
"""

import hashlib
import random
import re
import statistics
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from corpora import MAIN_LANGUAGES, Labelled, for_calibration, one_per_language, rank, read_corpus
from noise import noisy

from dedup.language import script_of
from dedup.text import numbers

Rows = list[Labelled]

CORPORA = ("ntrex", "xquad", "tico", "courses", "k8sdocs")


def draws_of(data: Path, name: str) -> list[Rows]:
    """The draws of an input, from the folder with the corpora."""
    if name in CORPORA:
        return [held_out(data, name)]
    if name == "sparse":
        pooled = [row for corpus in SPARSE_CORPORA for row in held_out(data, corpus)]
        return [sparse(pooled, f"sparse {number}") for number in range(1, SPARSE_DRAWS + 1)]
    return [MADE[name](data)]


def held_out(data: Path, name: str) -> Rows:
    """The records of a corpus that calibration has not seen."""
    if name == "xquad":
        return list(read_corpus(data, name))
    rows = (row for row in read_corpus(data, name) if not for_calibration(row.gold))
    if name == "ntrex":
        return one_per_language(rows, lambda r: r.language in MAIN_LANGUAGES)
    return list(rows)


def by_article(rows: Iterable[Labelled]) -> dict[str, Rows]:
    """Gold -> its records, both in the order of the names."""
    articles: dict[str, Rows] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r.gold, r.language, r.id)):
        articles[row.gold].append(row)
    return articles


def family(gold: str) -> str:
    """The article that several golds were made of: the paragraphs of one article of XQuAD ("a28-p0"), the parts of one
    text ("reuters.218932/5"), a text and its twin ("bbc.381646 twin").
    """
    return _MADE.sub("", gold)


_MADE = re.compile(r"(-p\d+|/\d+)?( twin)?$")


TWIN_FIGURES = 3
"""An article that states fewer figures of two digits or more makes no twin: nothing in it could be told apart."""

FIGURE = re.compile(r"\d+(?:[.,'’٫٬\u00a0\u202f]\d+)*")


def twins(rows: Sequence[Labelled]) -> Rows:
    """Templates: half of the languages of an article carry it as it is, half with every figure replaced.

    The replacement is one for one and the same in all languages, digit for digit in the digits of the script.
    """
    english = {r.gold: r.text for r in rows if r.language == "en"}
    usable = {g for g, text in english.items() if len({n for n in numbers(text) if len(n) > 1}) >= TWIN_FIGURES}
    made = []
    for row in rows:
        if row.gold in usable and MAIN_LANGUAGES.index(row.language) % 2:
            made.append(replace(row, text=with_other_figures(row.text, row.gold), gold=f"{row.gold} twin"))
        elif row.gold in usable:
            made.append(row)
    return made


def with_other_figures(text: str, key: str) -> str:
    """The text with every figure replaced."""
    return FIGURE.sub(lambda found: other_figure(found[0], key), text)


def other_figure(figure: str, key: str) -> str:
    """Another figure with as many digits and the same separators, which depends on the digits and on ``key`` only."""
    digits = "".join(str(unicodedata.decimal(c)) for c in figure if c.isdecimal())
    number = int(hashlib.blake2b(f"{key}/{digits}".encode(), digest_size=8).hexdigest(), 16) % 10 ** len(digits)
    other = iter(str(number).zfill(len(digits)))
    return "".join(chr(ord(c) - unicodedata.decimal(c) + int(next(other))) if c.isdecimal() else c for c in figure)


TWIN_NAMES = 3
"""An article with fewer names that most languages spell alike makes no twin."""

ALIKE = 2 / 3
"""Share of the languages that must spell a name alike."""

NAME = re.compile(r"[^\W\d_]{4,}")
"""A word that may be a name, if it has a capital first letter and small ones."""


def name_twins(rows: Sequence[Labelled]) -> Rows:
    """Templates: half of the languages of an article carry it as it is, half with its names replaced.

    Only in Latin script, where a name can be recognised by its spelling. An ending of up to three letters stays on it
    ("Trumps", "Trumpovi").
    """
    articles = {gold: [r for r in some if script_of(r.text) == "LATIN"] for gold, some in by_article(rows).items()}
    names = {gold: names_of(some) for gold, some in articles.items()}
    usable = sorted((gold for gold in articles if len(names[gold]) >= TWIN_NAMES), key=rank)
    made: Rows = []
    for place, gold in enumerate(usable):
        donors = [name for other in usable[place + 1 :] + usable[:place] for name in names[other]]
        new = [name for name in dict.fromkeys(donors) if name not in names[gold]]
        others = dict(zip(names[gold], new, strict=False))
        for number, row in enumerate(articles[gold]):
            if number % 2:
                row = replace(row, text=with_other_names(row.text, others), gold=f"{gold} twin")
            made.append(row)
    return made


def names_of(versions: Sequence[Labelled]) -> list[str]:
    """The names that most versions of an article spell alike, the most common first; none that is a word as well."""
    words = [set(NAME.findall(row.text)) for row in versions]
    found = Counter(word for some in words for word in some if word.istitle())
    alike = (name for name, count in found.items() if count >= ALIKE * len(versions))
    named = [name for name in alike if not any(name.lower() in some for some in words)]
    return sorted(named, key=lambda name: (-found[name], name))


def with_other_names(text: str, others: Mapping[str, str]) -> str:
    """The text with each name replaced, whatever ending it has, in capitals where it is in capitals."""
    longest_first = sorted(others, key=lambda name: (-len(name), name))
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})(?=[^\W\d_]{{0,3}}\b)", re.IGNORECASE)

    def other(found: re.Match[str]) -> str:
        name = others.get(found[0].title())
        if name is None or not found[0][0].isupper():
            return found[0]
        return name.upper() if found[0].isupper() else name

    return pattern.sub(other, text)


PART_ARTICLES = 24
"""NTREX articles cut into short texts."""


def parts(rows: Iterable[Labelled]) -> Rows:
    """Short texts: the same lines of an article in all main languages (NTREX has one sentence a line)."""
    articles: dict[str, Rows] = defaultdict(list)
    for row in rows:
        if row.language in MAIN_LANGUAGES:
            articles[row.gold].append(row)
    made = []
    for gold in sorted(articles, key=rank)[:PART_ARTICLES]:
        lines = [row.text.split("\n") for row in articles[gold]]
        rng, start = random.Random(gold), 0
        while start < min(map(len, lines)):
            end = start + rng.randint(1, 5)
            made += [
                replace(
                    row, corpus="parts", id=f"{row.id}/{start}", gold=f"{gold}/{start}", text="\n".join(text[start:end])
                )
                for row, text in zip(articles[gold], lines, strict=True)
            ]
            start = end
    return made


TEASERS = 5
"""Articles whose first lines ``cuts`` puts below texts; they are not in the input themselves."""


def cuts(rows: Sequence[Labelled]) -> Rows:
    """Partial copies: half of the languages of each article, drawn, carry more or less than the article.

    Any two parts overlap by a tenth of the article at the least.
    """
    articles = by_article(rows)
    teasing = [articles.pop(gold) for gold in sorted(articles, key=rank)[:TEASERS]]
    teasers: dict[str, list[str]] = {row.language: [] for row in rows}
    for row in (row for some in teasing for row in some):
        teasers[row.language].append(row.text)
    made: Rows = []
    for gold, versions in articles.items():
        rng = random.Random(f"cuts {gold}")
        changed = set(rng.sample(range(len(versions)), len(versions) // 2))
        for number, row in enumerate(versions):
            how = rng.choice(("beginning", "middle", "teasers"))
            share, where = rng.uniform(0.4, 0.8), rng.uniform(0.2, 0.5)
            if number not in changed:
                made.append(row)
            elif how == "teasers":
                made.append(replace(row, text=with_teasers(row.text, teasers[row.language])))
            else:
                made.append(replace(row, text=excerpt(row.text, share, 0.0 if how == "beginning" else where)))
    return made


def excerpt(text: str, share: float, where: float) -> str:
    """A share of the lines, one at least; ``where`` 0 takes the first ones, 1 the last."""
    lines = text.split("\n")
    count = max(1, round(share * len(lines)))
    start = round(where * (len(lines) - count))
    return "\n".join(lines[start : start + count])


def with_teasers(text: str, others: Iterable[str]) -> str:
    """The text with the first two lines of each of the others below it, half as many lines as it has at most."""
    lines = text.split("\n")
    teasers = [line for other in others for line in other.split("\n")[:2]]
    return "\n".join(lines + teasers[: len(lines) // 2])


SITE_LANGUAGES = ("ar", "cs", "de", "en", "es", "hi", "id", "ja", "ru", "tr", "vi", "zh")
SITE_ARTICLES = 24
SITES = ((0.3, 1.0), (0.0, 1.5), (1.0, 2.3))
"""Of each site the share of its furniture that is above the article, and the length of it all, relative to the median
article (in characters of English)."""

BARE = 6
"""One text in so many is on no site."""


def boilerplate(rows: Iterable[Labelled]) -> Rows:
    """Articles amid the furniture of sites; language ``i`` of article ``n`` is on site ``i + n`` of three."""
    articles = {gold: {r.language: r for r in some} for gold, some in by_article(rows).items()}
    whole = [gold for gold in sorted(articles, key=rank) if set(SITE_LANGUAGES) <= set(articles[gold])]
    chosen, others = whole[:SITE_ARTICLES], whole[SITE_ARTICLES:]
    lines = {c: [line for gold in others for line in articles[gold][c].text.split("\n")] for c in SITE_LANGUAGES}
    median = statistics.median(len(articles[gold]["en"].text) for gold in chosen)
    furniture = list(_furniture(lines["en"], median))
    made: Rows = []
    for place, gold in enumerate(chosen):
        for number, code in enumerate(SITE_LANGUAGES):
            row, (start, below, end) = articles[gold][code], furniture[(place + number) % len(SITES)]
            if (place + number // 2) % BARE:
                page = [*lines[code][start:below], row.text, *lines[code][below:end]]
                row = replace(row, text="\n".join(page))
            made.append(row)
    return made


def _furniture(lines: Sequence[str], median: float) -> Iterator[tuple[int, int, int]]:
    """Of each site the first line of its furniture, the first below the article and the one after the last."""
    end = 0
    for above, length in SITES:
        start, size, below = end, 0, end
        while size < length * median:
            size += len(lines[end])
            end += 1
            if size <= above * length * median:
                below = end
        yield start, below, end


SPARSE_CORPORA = ("ntrex", "tico", "k8sdocs", "courses")
SPARSE_DRAWS = 5
ALONE = 0.7
"""Share of the articles of ``sparse`` that have no partner."""


def sparse(rows: Sequence[Labelled], key: str) -> Rows:
    """Each article in one language, some of them in two; ids and golds say which draw, ``key``, they are of."""
    articles = by_article(rows)
    rng = random.Random(key)
    alone = set(rng.sample(sorted(articles), round(ALONE * len(articles))))
    made: Rows = []
    for gold, some in articles.items():
        versions = one_per_language(iter(some), lambda _row: True)
        chosen = rng.sample(versions, min(len(versions), 1 if gold in alone else 2))
        made += [replace(row, id=f"{key}: {row.id}", gold=f"{key}: {gold}") for row in chosen]
    return made


def mixed(data: Path) -> Rows:
    """All corpora as one."""
    return [row for corpus in CORPORA for row in held_out(data, corpus)]


NOISY_ARTICLES = {"ntrex": 16, "k8sdocs": 40}
"""As many as a model without a cache embeds in some minutes: noise makes every segment a new one."""


def noisy_input(data: Path) -> Rows:
    """Some articles of two corpora with noise."""
    made: Rows = []
    for corpus, count in NOISY_ARTICLES.items():
        articles = by_article(held_out(data, corpus))
        chosen = [row for gold in sorted(articles, key=rank)[:count] for row in articles[gold]]
        made += [replace(row, text=noisy(row.text, random.Random(f"noisy {row.id}"))) for row in chosen]
    return made


MADE: Mapping[str, Callable[[Path], Rows]] = {
    "twins": lambda data: twins(held_out(data, "ntrex")),
    "name-twins": lambda data: name_twins(held_out(data, "ntrex")),
    "parts": lambda data: parts(held_out(data, "ntrex")),
    "cuts": lambda data: cuts(held_out(data, "ntrex")),
    "boilerplate": lambda data: boilerplate(held_out(data, "ntrex")),
    "noisy": noisy_input,
    "mixed": mixed,
}

INPUTS = (*CORPORA, *MADE, "sparse")
