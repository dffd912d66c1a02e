"""The languages of countries by top-level domain, for ``dedup apply --keep source-language``.

    pip install --target /tmp/babel babel
    PYTHONPATH=/tmp/babel python scripts/site_languages.py > dedup/apply/site_languages.json

From Unicode CLDR (supplemental data, territory info) by way of Babel: the languages that are official in a territory,
by law or in fact; and apart from them, those that are so in a region only, as Catalan is in Spain. A territory's domain
is its ISO 3166 code, but for that of the United Kingdom. Domains that Google Search treats as generic are left out
("Managing multi-regional and multilingual sites", Google Search Central): their sites are of anywhere.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import version

from dedup.language import declared_language

GENERIC = frozenset(re.findall(r"\w+", "ad ai as bz cc cd co dj fm io la me ms nu sc sr su tv tk ws"))
"""Country domains that Google treats as generic."""

DOMAINS = {"gb": "uk"}
"""Territories whose domain is not their code."""


def main() -> None:
    """Print the table."""
    territories = import_module("babel.core").get_global("territory_languages")
    official = import_module("babel.languages").get_official_languages
    languages, regional = {}, {}
    for territory in sorted(filter(re.compile("[A-Z]{2}").fullmatch, territories)):
        domain = DOMAINS.get(territory.lower(), territory.lower())
        everywhere = _codes(official(territory, regional=False, de_facto=True))
        somewhere = _codes(official(territory, regional=True, de_facto=True)) - everywhere
        if domain not in GENERIC:
            languages[domain] = " ".join(sorted(everywhere))
            regional[domain] = " ".join(sorted(somewhere))
    source = f"Unicode CLDR, territory info, by way of Babel {version('babel')}; scripts/site_languages.py"
    table = {"source": source, "licence": "Unicode-3.0", "languages": _held(languages), "regional": _held(regional)}
    sys.stdout.write(json.dumps(table, indent=1) + "\n")


def _codes(tags: Iterable[str]) -> set[str]:
    return {code for tag in tags if (code := declared_language(tag))}


def _held(table: Mapping[str, str]) -> dict[str, str]:
    return {domain: languages for domain, languages in table.items() if languages}


if __name__ == "__main__":
    main()
