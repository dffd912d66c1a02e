"""One key for all spellings of a page's address, and none in common for two pages.

A URL is parsed as browsers do (WHATWG, :mod:`ada_url`) and then led through an ordered list of small rules,
each of which removes one difference that does not change the page. A rule that could merge two pages is left
out: a missed merge costs a hint, a wrong one joins strangers. So unknown query parameters stay, ``?page=2``
and ``?id=7`` stay, and the case of a path stays.

The key is written as ``//host/path?query``: an address without its scheme, so that a key is a URL again and
keying it gives the same key.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, unquote_plus

from dedup.model import SourceKey
from dedup.normal_form import normal_form

if TYPE_CHECKING:
    from tldextract import TLDExtract


@dataclass(frozen=True, slots=True)
class _Address:
    """A URL in its parts, all decoded: ``segments`` are those of the path, ``query`` its (name, value) pairs."""

    host: str
    port: str
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    fragment: str


def _words(*rows: str) -> frozenset[str]:
    return frozenset(" ".join(rows).split())


def source_key(url: str) -> SourceKey | None:
    """The key of the page that ``url`` names; None if it is no http(s) URL with a host. Never raises."""
    address = _parse(url)
    if address is None:
        return None
    for rule in _RULES:
        address = rule(address)
    return SourceKey(key=_spell(address), names_article=_names_article(address))


# --- from text to parts, and back -----------------------------------------------------------------------------

_HTTP: Final = re.compile(r"https?:", re.IGNORECASE)
_LONGEST_HOST: Final = 253  # what DNS can hold
_MOST_CACHES: Final = 4  # an address wrapped in more AMP caches than this was made to annoy

# Characters of a path that mean the same encoded or plain on every server we know; "/" is not among them.
_PLAIN_IN_PATH: Final = "!$&'()*+,;=:@"
# ":" is not among these, so that a decoded ":~:" cannot turn into a text directive when a key is read again.
_PLAIN_IN_FRAGMENT: Final = "!?&="


def _parse(url: str) -> _Address | None:
    """The address of the page itself: an address inside an AMP cache is followed to its origin."""
    address = _parse_as_written(url)
    for _ in range(_MOST_CACHES):
        if address is None or (origin := _amp_origin(address)) is None:
            return address
        address = _parse_as_written(origin)
    return None


def _parse_as_written(url: str) -> _Address | None:
    import ada_url  # here, because it costs time that most calls of the program do not need

    absolute = _with_scheme(url.strip())
    if absolute is None:
        return None
    try:
        parsed = ada_url.URL(absolute)
    except ValueError:  # also what a lone surrogate raises
        return None
    host = parsed.hostname.removesuffix(".")  # "example.org." is the fully qualified name of "example.org"
    if len(host) > _LONGEST_HOST or not all(host.split(".")):  # an empty label is no name
        return None
    return _Address(
        host=host,
        port=parsed.port,
        segments=tuple(_decoded(segment) for segment in parsed.pathname.split("/")[1:]),
        query=_parameters(parsed.search[1:]),
        fragment=_route(parsed.hash[1:]),
    )


def _with_scheme(url: str) -> str | None:
    """``url`` made absolute. Without a scheme only a host under a known suffix counts: ``notes.txt`` is no URL."""
    if _HTTP.match(url):
        return url
    if url.startswith("//"):
        return f"https:{url}"
    host = re.split(r"[/?#]", url, maxsplit=1)[0]
    name, colon, port = host.partition(":")
    if (colon and not port.isdecimal()) or "@" in host or "." not in name or len(name) > _LONGEST_HOST:
        return None
    return f"https://{url}" if _domain(name.lower()).suffix else None


def _decoded(text: str) -> str:
    """``text`` without percent-encoding and in NFC; bytes that are not UTF-8 are kept as they are."""
    return normal_form("NFC", unquote(text, errors="surrogateescape"))


def _parameters(query: str) -> tuple[tuple[str, str], ...]:
    # "&amp;" is "&" copied from HTML.
    pieces = (piece.partition("=") for piece in re.sub(r"&(?:amp;)+", "&", f"&{query}").split("&"))
    decoded = ((_decoded_form(name), _decoded_form(value)) for name, _, value in pieces)
    return tuple(pair for pair in decoded if pair != ("", ""))


def _decoded_form(text: str) -> str:
    return normal_form("NFC", unquote_plus(text, errors="surrogateescape"))


def _route(fragment: str) -> str:
    """The fragment, where a script takes it for the path (``#!`` and ``#/``); else it is a place in the page.

    A text fragment (``:~:text=``) is a place in the page even there.
    """
    route = fragment.partition(":~:")[0].rstrip("/")
    if not route.startswith(("!", "/")) or not route.strip("!/"):
        return ""
    return "/".join(_encoded(_decoded(part), _PLAIN_IN_FRAGMENT) for part in route.split("/"))


def _encoded(text: str, plain: str) -> str:
    return quote(text, safe=plain, errors="surrogateescape")


def _spell(address: _Address) -> str:
    port = f":{address.port}" if address.port else ""
    path = "".join(f"/{_encoded(segment, _PLAIN_IN_PATH)}" for segment in address.segments)
    pairs = ((_encoded(name, ""), _encoded(value, "")) for name, value in address.query)
    query = "&".join(f"{name}={value}" if value else name for name, value in pairs)
    fragment = f"#{address.fragment}" if address.fragment else ""
    return f"//{address.host}{port}{path}" + (f"?{query}" if query else "") + fragment


# --- the host -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Domain:
    """A host in its parts. ``suffix`` is empty for IP addresses and names outside the public suffix list."""

    subdomain: str
    name: str
    suffix: str


@cache
def _suffix_list() -> "TLDExtract":
    from tldextract import TLDExtract

    # Only the list that ships with the package: nothing is fetched, nothing is written. Private suffixes
    # count, because m.github.io is the site of somebody called m.
    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@lru_cache(maxsize=65_536)
def _domain(host: str) -> _Domain:
    parts = _suffix_list()(host)
    return _Domain(parts.subdomain, parts.domain, parts.suffix)


def subdomain_of(host: str) -> str:
    """What stands before the domain that somebody registered; empty where nothing does, or that cannot be told."""
    domain = _domain(host)
    return domain.subdomain if domain.suffix else ""


_VARIANT_LABELS: Final = frozenset({"www", "m", "mobile", "amp"})
# Wikimedia writes its mobile host in the middle: en.m.wikipedia.org.
_WIKIMEDIA: Final = _words("wikipedia wiktionary wikinews wikibooks wikiquote wikisource wikiversity wikivoyage")


def _drop_variant_subdomain(address: _Address) -> _Address:
    """The ``www.``, mobile and AMP hosts of a site serve its pages; ``m.com`` and ``amp.dev`` are sites."""
    domain = _domain(address.host)
    if not domain.suffix or not domain.name:
        return address
    labels = domain.subdomain.split(".") if domain.subdomain else []
    if domain.name in _WIKIMEDIA and labels[-1:] == ["m"]:
        labels.pop()
    first = next((i for i, label in enumerate(labels) if label not in _VARIANT_LABELS), len(labels))
    return replace(address, host=".".join([*labels[first:], domain.name, domain.suffix]))


def _drop_default_port(address: _Address) -> _Address:
    """80 and 443 go under either scheme, since the key has none."""
    return replace(address, port="") if address.port in {"80", "443"} else address


# --- AMP ------------------------------------------------------------------------------------------------------

_AMP_CACHES: Final = ("cdn.ampproject.org", "bing-amp.com")
_AMP_CACHE_KINDS: Final = frozenset({"c", "v", "wp"})  # document, viewer, signed exchange; not images ("i")
_AMP_VIEWERS: Final = frozenset({"google", "bing"})


def _amp_origin(address: _Address) -> str | None:
    """The address inside an AMP cache's: ``<cache>/c/s/<host>/<path>``, ``google.com/amp/s/<host>/<path>``."""
    if not _is_amp_cache(address.host, address.segments[0]):
        return None
    inner = address.segments[2:] if address.segments[1:2] == ("s",) else address.segments[1:]
    if not inner or "." not in inner[0]:
        return None
    host, *path = inner
    return _spell(_Address(host.lower(), "", tuple(path), address.query, address.fragment))


def _is_amp_cache(host: str, kind: str) -> bool:
    if any(host == name or host.endswith(f".{name}") for name in _AMP_CACHES):
        return kind in _AMP_CACHE_KINDS
    return kind == "amp" and _domain(host).name in _AMP_VIEWERS


# --- path and query -------------------------------------------------------------------------------------------

_INDEX_FILE: Final = re.compile(r"(?:index\.(?:x?html?|shtml|php|aspx?|jsp)|default\.(?:aspx?|html?))", re.IGNORECASE)

# Path segments that introduce the name of one thing: what follows belongs to the address.
_ITEM_WORDS: Final = _words(
    "article articles story stories post posts node wiki docs doc video videos watch item entry p"
)
# Path segments of pages that list articles.
_LISTING_WORDS: Final = _words(
    "tag tags label category categories topic topics author authors user users search section sections archive "
    "archives page rss feed tim-kiem chu-de tu-khoa chuyen-muc tac-gia"
)


def _drop_path_end(address: _Address) -> _Address:
    """Trailing slashes, names of index files and a closing ``/amp`` do not change the page."""
    segments = address.segments
    end = len(segments)
    while end and _is_idle(segments[end - 1], before=segments[end - 2] if end > 1 else ""):
        end -= 1
    return replace(address, segments=segments[:end])


def _is_idle(segment: str, before: str) -> bool:
    if segment == "amp":
        return before not in _ITEM_WORDS | _LISTING_WORDS  # /tag/amp and /wiki/amp are pages about AMP
    return not segment or _INDEX_FILE.fullmatch(segment) is not None


# Names that only tell how a reader came to the page, from the documentation of those who add them.
# Not "ref", "source", "from", "cid", "sid", "s": some site's pages differ by each of them.
_TRACKING: Final = _words(
    "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid _ga _gl srsltid",  # Google Ads, Analytics
    "fbclid fb_action_ids fb_action_types fb_source fb_ref mibextid sfnsn",  # Facebook
    "igshid igsh",  # Instagram
    "twclid ref_src ref_url",  # X: ads, embedded posts
    "msclkid",  # Microsoft Ads
    "yclid ysclid ymclid _openstat",  # Yandex
    "ttclid li_fat_id trk epik sccid rdt_cid",  # TikTok, LinkedIn, Pinterest, Snapchat, Reddit
    "zarsrc zsource gidzl",  # Zalo
    "spm",  # Alibaba
    "mc_cid mc_eid",  # Mailchimp
    "_hsenc _hsmi __hssc __hstc __hsfp hsctatracking",  # HubSpot
    "mkt_tok",  # Marketo
    "elqtrackid elqtrack elqaid elqat elqcampaignid",  # Oracle Eloqua
    "vero_id vero_conv __s _kx oly_anon_id oly_enc_id wickedid",  # Vero, Drip, Klaviyo, Omeda, Wicked
    "mtm_campaign mtm_keyword mtm_source mtm_medium mtm_content mtm_cid mtm_group",  # Matomo
    "pk_campaign pk_kwd pk_keyword pk_source pk_medium pk_content pk_cid",  # Matomo, as Piwik
    "at_medium at_campaign at_custom1 at_custom2 at_custom3 at_custom4 at_link_id xtor",  # Piano, AT Internet
    "wt_mc wt.mc_id",  # Webtrekk, Webtrends
    "tblci dicbo",  # Taboola, Outbrain
    "guccounter guce_referrer guce_referrer_sig soc_src soc_trk",  # Yahoo
    "_branch_match_id wprov",  # Branch, Wikipedia
)
_AMP_PARAMETERS: Final = frozenset({("amp", ""), ("amp", "1"), ("amp", "true"), ("outputtype", "amp")})


def _drop_tracking(address: _Address) -> _Address:
    return replace(address, query=tuple(pair for pair in address.query if not _is_tracking(pair[0].lower())))


def _is_tracking(name: str) -> bool:
    return name.startswith("utm_") or name in _TRACKING


def _drop_amp_parameter(address: _Address) -> _Address:
    kept = (pair for pair in address.query if (pair[0].lower(), pair[1].lower()) not in _AMP_PARAMETERS)
    return replace(address, query=tuple(kept))


def _sort_parameters(address: _Address) -> _Address:
    """Servers read parameters by name; several of one name are a list, whose order stays."""
    return replace(address, query=tuple(sorted(address.query, key=lambda pair: pair[0])))


_RULES: Final[tuple[Callable[[_Address], _Address], ...]] = (
    _drop_variant_subdomain,
    _drop_default_port,
    _drop_path_end,
    _drop_tracking,
    _drop_amp_parameter,
    _sort_parameters,
)


# --- does the page carry one article? -------------------------------------------------------------------------

_ID_PARAMETERS: Final = _words("id p v aid nid pid sid story article articleid newsid storyid title")
_LISTING_PARAMETERS: Final = _words(
    "page paged lang language hl locale q s query search keyword cat category tag author m"
)
_EXTENSION: Final = re.compile(r"\.(?:[sx]?html?|php|aspx?|jsp|cgi|md|pdf)$", re.IGNORECASE)
_DATE_PART: Final = re.compile(r"(?:19|20)\d\d|[01]?\d|[0-3]\d")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
# covid-19, g20, euro-2024: a topic with a number, not an article's.
_NUMBERED_TOPIC: Final = re.compile(r"[^\W\d]+[-_]?(?:\d{1,2}|(?:19|20)\d\d)")
# A slug of three syllables is often a section (kinh-te-xa-hoi), one of this length hardly ever.
_TITLE_WORDS: Final = 3
_TITLE_LENGTH: Final = 20
_DEEP_PATH: Final = 4  # sections nest three deep at most: /news/world/asia


def _names_article(address: _Address) -> bool:
    """Whether the address is one article's; in doubt it is not, since a shared section says little.

    A page that lists others (home, section, tag, author, search, archive, pages of a list) is none, whatever
    else its address holds. Otherwise an article's address has a parameter that identifies it, lies deep or
    below a date or a word like ``article``, or ends in a number or a title.
    """
    segments = [_EXTENSION.sub("", segment.lower()) for segment in address.segments + _route_segments(address)]
    if any(segment.startswith(("category:", "special:")) or segment in _LISTING_WORDS for segment in segments):
        return False
    if any(_identifies(name.lower(), value) for name, value in address.query):
        return True
    return bool(segments) and not _is_date(segments) and _is_article_path(segments)


def _route_segments(address: _Address) -> tuple[str, ...]:
    return tuple(unquote(part) for part in address.fragment.lstrip("!/").split("/") if part)


def _identifies(name: str, value: str) -> bool:
    if name in _LISTING_PARAMETERS:
        return False
    return (name in _ID_PARAMETERS and bool(value)) or any(map(str.isdigit, value or name))


def _is_date(segments: list[str]) -> bool:
    """``/2024/05``: what was published then."""
    return _YEAR.fullmatch(segments[0]) is not None and all(map(_DATE_PART.fullmatch, segments))


def _is_article_path(segments: list[str]) -> bool:
    *above, last = segments
    if len(segments) >= _DEEP_PATH or any(part in _ITEM_WORDS or _YEAR.fullmatch(part) for part in above):
        return True
    if any(map(str.isdigit, last)):
        return _NUMBERED_TOPIC.fullmatch(last) is None
    return len(last) >= _TITLE_LENGTH and len(re.split(r"[-_+. ]+", last)) >= _TITLE_WORDS
