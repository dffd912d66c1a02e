"""The article in each record: apart from its page, with its source and language."""

from collections.abc import Sequence
from hashlib import blake2b

from dedup.language import language_of
from dedup.model import Article, Entry, Record, Skipped
from dedup.page import split_page
from dedup.read.characters import readable
from dedup.source_url import source_key
from dedup.text import is_empty

_CONTENT_BYTES = 16


def prepare(records: Sequence[Record]) -> tuple[list[Article], list[Skipped]]:
    """The articles of the records in their order, and the records that hold none.

    A URL that the text itself cites goes before the one in the record's URL field, which often is the page that the
    translation was crawled from.
    """
    articles, unusable = [], []
    for record in records:
        page = split_page(readable(record.text))  # readers did so already; a program's records are as they are
        if is_empty(page.text):
            unusable.append(Skipped(record.path or record.id, record.line, "empty text"))
            continue
        url = page.source_url or record.url
        articles.append(
            Article(record, page.text, url, source_key(url) if url else None, language_of(page.text, record.language))
        )
    return articles, unusable


def entry_of(article: Article) -> Entry:
    """What a report says of an article."""
    record = article.record
    return Entry(
        id=record.id,
        path=record.path,
        line=record.line,
        language=article.language,
        source_url=article.source_url,
        source_key=article.source_key,
        characters=len(article.text),
        content=content_of(article.text),
    )


def content_of(text: str) -> bytes:
    """A hash of an article's text, which a cluster's id in a report depends on."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_CONTENT_BYTES).digest()
