"""Writes many short records that are unlike one another, for measuring growth: no sentence stands in two articles.

    python scripts/made_corpus.py --words ntrex/corpus.jsonl.gz --records 1000000 OUT.jsonl

Each article is four sentences of words drawn from the texts of one of 16 languages, as often as they stand there (so
figures come in, too), some 400 characters. Seven of ten have no partner; the others are in pairs, a text and its copy
with one sentence of its own. Each cites a page, one in fifty the home page of its site. ``gold`` names the article.
There are no translations: words that were drawn have none. The same call gives the same file.
"""

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

LANGUAGES = ("ar", "bn", "cs", "de", "en", "es", "fa", "fi", "fr", "hi", "id", "pl", "ru", "sw", "tr", "vi")
SENTENCES = 4
CHARACTERS = 100
"""Of a sentence, about."""
PAIRED = 0.3
AT_HOME = 0.02


def main() -> None:
    """Writes the file."""
    asked = _arguments()
    words = words_of(asked.words)
    with asked.out.open("w", encoding="utf-8") as out:
        for row in records(words, asked.records):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def words_of(corpus: Path) -> dict[str, list[str]]:
    """All words of each language, as often as they stand in the texts."""
    words: dict[str, list[str]] = defaultdict(list)
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["lang"] in LANGUAGES:
                words[row["lang"]] += row["text"].split()
    return dict(words)


def records(words: dict[str, list[str]], count: int) -> Iterator[dict[str, str]]:
    """So many records."""
    random = Random(1)
    number = article = 0
    while number < count:
        article += 1
        language = random.choice(sorted(words))
        text = [_sentence(words[language], random) for _ in range(SENTENCES)]
        versions = [text]
        if random.random() < PAIRED / (2 - PAIRED):  # as many articles make that share of the records
            versions.append([*text[:-1], _sentence(words[language], random)])
        for version in versions[: count - number]:
            number += 1
            site = f"https://site{article % 97}.example/"
            url = site if random.random() < AT_HOME else f"{site}news/{article}-an-article-with-a-long-title.html"
            yield {"id": f"{number:08}", "text": "\n".join(version), "lang": language, "url": url, "gold": str(article)}


def _sentence(words: list[str], random: Random) -> str:
    drawn: list[str] = []
    while sum(map(len, drawn)) + len(drawn) < CHARACTERS:
        drawn.append(random.choice(words))
    return " ".join(drawn)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--words", type=Path, required=True, help="a gzipped corpus with the fields text and lang")
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
