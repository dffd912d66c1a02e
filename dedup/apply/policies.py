"""Which member of a cluster is the one to keep.

A policy gives each member of a cluster a score; the greatest is kept. Of several that share it, the next policy
decides, and at last the smallest id.
So the outcome does not depend on the order of anything but where ``first`` asks for that.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from dedup.apply.match import Place
from dedup.apply.relations import Relations
from dedup.apply.site_language import languages_of_site
from dedup.errors import InputError
from dedup.language import declared_language
from dedup.report.document import Cluster
from dedup.source_url import source_key


class Kind(StrEnum):
    """What a policy looks at."""

    LONGEST = "longest"
    FIRST = "first"
    CENTRAL = "central"
    SOURCE_LANGUAGE = "source-language"
    PREFER = "prefer"
    MAX = "max"


_WITHOUT_ARGUMENT: Final = (Kind.LONGEST, Kind.FIRST, Kind.CENTRAL, Kind.SOURCE_LANGUAGE)
FORMS: Final = ", ".join([*_WITHOUT_ARGUMENT, "prefer:LANG,LANG...", "max:FIELD"])
"""How a policy can be written."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to choose.

    ``longest``: the text with the most characters, as the report counts them. ``first``: the first in the input, in the
    order of the given paths, within a folder by path, within a table by line. ``central``: the highest mean probability
    to the other texts of the cluster, copies of one text counting as one; a pair without a link in the report counts 0.
    ``source-language``: a language of the site that most members cite (:func:`source_languages`).
    ``prefer``: the earliest of ``languages``, those that are not named last. ``max``: the greatest number or latest
    date in ``field`` of the record's row.
    """

    kind: Kind
    languages: tuple[str, ...] = ()
    field: str = ""


def parse_policies(texts: Sequence[str]) -> tuple[Policy, ...]:
    """The policies that the texts name. Raises :class:`InputError` where one does not."""
    return tuple(map(_parse, texts))


def _parse(text: str) -> Policy:
    name, colon, argument = text.partition(":")
    if not colon and name in _WITHOUT_ARGUMENT:
        return Policy(Kind(name))
    if name == Kind.PREFER and argument:
        return Policy(Kind.PREFER, languages=tuple(map(_code, argument.split(","))))
    if name == Kind.MAX and argument:
        return Policy(Kind.MAX, field=argument)
    raise InputError(f"no policy {text!r}: give one of {FORMS}")


def _code(tag: str) -> str:
    code = declared_language(tag)
    if code is None:
        raise InputError(f"no language {tag!r}: give codes such as en or pt-BR, with commas between them")
    return code


Value = Fraction | datetime
Values = Mapping[str, Mapping[str, Value]]
"""Name of a field -> id of a member -> what its row says there; those without a number or a date are missing."""

Score = float | Fraction


def in_order_of(
    policies: Sequence[Policy], cluster: Cluster, relations: Relations, places: Mapping[str, Place], values: Values
) -> list[str]:
    """The ids of the members, the one to keep first. Raises :class:`InputError` where a number meets a date."""
    scores = [_scores(policy, cluster, relations, places, values) for policy in policies]
    ids = [member.id for member in cluster.members]
    return sorted(ids, key=lambda id_: ([-score[id_] for score in scores], id_))


def _scores(
    policy: Policy, cluster: Cluster, relations: Relations, places: Mapping[str, Place], values: Values
) -> Mapping[str, Score]:
    """Member id -> score, the greater the better."""
    match policy.kind:
        case Kind.LONGEST:
            return {member.id: member.characters for member in cluster.members}
        case Kind.FIRST:
            in_order = sorted((places[member.id].order, member.id) for member in cluster.members)
            return {id_: -turn for turn, (_, id_) in enumerate(in_order)}
        case Kind.CENTRAL:
            return relations.centrality()
        case Kind.SOURCE_LANGUAGE:
            site = source_languages(cluster)
            return {member.id: int(member.language in site) for member in cluster.members}
        case Kind.PREFER:
            turns = {language: turn for turn, language in reversed(list(enumerate(policy.languages)))}
            return {member.id: -turns.get(member.language, len(policy.languages)) for member in cluster.members}
        case Kind.MAX:
            return _by_value(policy.field, cluster, values[policy.field])


def source_languages(cluster: Cluster) -> frozenset[str]:
    """Those of the cluster's languages that the site of its source may write in (:mod:`dedup.apply.site_language`).

    The source is the URL that most members cite, spellings of one counted together; of several, any.
    """
    cited: defaultdict[str, list[str]] = defaultdict(list)
    for url in (member.source_url for member in cluster.members if member.source_url):
        key = source_key(url)
        cited[key.key if key else url].append(url)
    most = max(map(len, cited.values()), default=0)
    sources = (urls[0] for urls in cited.values() if len(urls) == most)
    return frozenset[str]().union(*(languages_of_site(url, cluster.languages) for url in sources))


def _by_value(field: str, cluster: Cluster, values: Mapping[str, Value]) -> Mapping[str, Score]:
    known = {member.id: values[member.id] for member in cluster.members if member.id in values}
    number = next((id_ for id_, value in known.items() if isinstance(value, Fraction)), None)
    date = next((id_ for id_, value in known.items() if isinstance(value, datetime)), None)
    if number is not None and date is not None:
        raise InputError(
            f"field {field!r} is a number in record {number!r} and a date in {date!r}, which carry one article"
        )
    return {member.id: _score(known.get(member.id)) for member in cluster.members}


def _score(value: Value | None) -> Score:
    if value is None:
        return -math.inf
    return Fraction((value - _EPOCH) // _TICK) if isinstance(value, datetime) else value


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = datetime.resolution
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,3})?")


def value_of(found: object) -> Value | None:
    """The number or date that a field's value is: a number, a string that writes one, a date or time, or its ISO 8601
    form (UTC where it does not say, and of a day its beginning); None for all else.
    """
    if isinstance(found, bool):
        return None
    if isinstance(found, int):
        return Fraction(found)
    if isinstance(found, float | Decimal):
        return Fraction(found) if math.isfinite(found) else None
    if isinstance(found, date):
        whole = found if isinstance(found, datetime) else datetime.combine(found, time())
        return whole if whole.tzinfo else whole.replace(tzinfo=UTC)
    return _value_of_text(found.strip()) if isinstance(found, str) else None


def _value_of_text(text: str) -> Value | None:
    if _NUMBER.fullmatch(text):
        return Fraction(text)
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
