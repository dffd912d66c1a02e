"""In which language a site writes, as far as its address tells: nothing is fetched.

Either the address says so: the first label before its domain or the first part of its path is the code of a language
(``fr.example.org``, ``example.org/pt-br/…``). As many such parts are no language (``it.``, ``/in/``), one only counts
where a text is in that language.

Or the domain is a country's: then it is one of the languages that are official there, or if no text is in one, of those
that are so in a region of it. The table is
``site_languages.json`` (made by ``scripts/site_languages.py``, which tells its source).
A domain that is no country's, or is used for sites of anywhere (``.com``, ``.io``, ``.tv``), says nothing.
"""

import json
import re
from collections.abc import Collection
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from dedup.language import declared_language
from dedup.source_url import source_key, subdomain_of

_MARK: Final = re.compile(r"[a-z]{2,3}(?:[-_][a-z]{2,4})?")


def languages_of_site(url: str, among: Collection[str]) -> frozenset[str]:
    """Those of the languages ``among`` (ISO 639 codes) that the site of ``url`` may write in, as its address tells.

    Empty where it tells nothing, or tells of another language.
    """
    subdomain, domain, beginning = _address(url)
    marked = {code for part in (subdomain.partition(".")[0], beginning) if (code := _language(part))}
    tables = ("languages", "regional")
    told = (marked, *(frozenset(_table(name).get(domain, "").split()) for name in tables))
    return next(filter(None, map(frozenset(among).intersection, told)), frozenset())


@lru_cache(maxsize=4_096)
def _address(url: str) -> tuple[str, str, str]:
    """What stands before the domain that is registered, the last label, and the first part of the path, as the URL's
    key has them: without ``www`` and ``m``.
    """
    key = source_key(url)
    if key is None:
        return "", "", ""
    host, path = re.split(r"[/?]|$", key.key.removeprefix("//"), maxsplit=1)
    host = host.partition(":")[0]
    return subdomain_of(host), host.rpartition(".")[2], re.split(r"[/?#]", path.lower(), maxsplit=1)[0]


def _language(part: str) -> str | None:
    return declared_language(part) if _MARK.fullmatch(part) else None


@cache
def _table(name: str) -> dict[str, str]:
    """Country domain -> its languages, with spaces between."""
    file = Path(__file__).with_name("site_languages.json")
    languages: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))[name]
    return languages
