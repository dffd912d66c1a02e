"""Corpora that neither a fit nor a choice has seen: translated documentation that Debian packages hold.

    apt-get download gnome-user-docs debian-handbook manpages manpages-{de,fr,...} libreoffice-help-{en-us,de,...}
    for package in *.deb; do dpkg -x $package unpacked/${package%%_*}; done
    python scripts/debian_corpora.py unpacked --out CORPORA
    dedup run CORPORA/gnome/corpus.jsonl.gz -o r.json && dedup evaluate r.json --gold CORPORA/gnome/gold.jsonl

``gnome``: pages of the desktop's help, many of them translated in part only; ``help``: pages of LibreOffice's help,
short, on what resembles what the next one is on; ``handbook``: sections of the Debian Administrator's Handbook, long;
``man``: manual pages, written to one pattern, with names and options that stay as they are. One page is one article;
its language is that of its folder. Which pages and which of their languages are taken is drawn by a hash, so that
articles have from one version to many. The texts stay out of the project: only numbers computed from them enter it.

They are noisy: a page that nobody has translated stands there in English, versions are of different years, and pages of
one page's text under two names are two articles by their names.
"""

import argparse
import gzip
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree

LEAST: Final = 200
"""Characters of a text; below are lists of links and stubs."""

RECORDS: Final = 2_500
"""Records of a corpus, about."""

ARTICLES: Final = 500
"""Articles of a corpus, at most."""


class Page(NamedTuple):
    """A page in a language; ``name`` is the same in all of them, ``place`` where it lies below the packages."""

    name: str
    language: str
    place: Path


def gnome(unpacked: Path) -> Iterator[Page]:
    """Mallard pages."""
    for place in _below(unpacked, "gnome-user-docs/usr/share/help/*/*/*.page"):
        folder = place.parts[-3]
        yield Page("/".join(place.parts[-2:]), "en" if folder == "C" else folder, place)


def handbook(unpacked: Path) -> Iterator[Page]:
    """Pages of the handbook's HTML."""
    for place in _below(unpacked, "debian-handbook/usr/share/doc/debian-handbook/html/*/*.html"):
        if place.name != "index.html":
            yield Page(place.name, place.parts[-2], place)


def office(unpacked: Path) -> Iterator[Page]:
    """Pages of LibreOffice's HTML."""
    for place in _below(unpacked, "libreoffice-help-*/usr/share/libreoffice/help/*/text/**/*.html"):
        at = place.parts.index("text")
        yield Page("/".join(place.parts[at:]), place.parts[at - 1], place)


def man(unpacked: Path) -> Iterator[Page]:
    """Pages of the manual."""
    for place in _below(unpacked, "manpages*/usr/share/man/**/*.gz"):
        folder = place.parts[4]  # below PACKAGE/usr/share/man
        language = "en" if re.fullmatch(r"man\d\w*", folder) else folder.partition(".")[0]
        if not (unpacked / place).is_symlink():
            yield Page("/".join(place.parts[-2:]), language, place)


def _below(unpacked: Path, pattern: str) -> Iterator[Path]:
    return (path.relative_to(unpacked) for path in unpacked.glob(pattern))


CORPORA: Final = {"gnome": gnome, "handbook": handbook, "help": office, "man": man}


def text_of(path: Path) -> str:
    """What a reader reads."""
    match path.suffix:
        case ".page":
            return _of_mallard(path)
        case ".html":
            return _of_html(path.read_text(encoding="utf-8"))
        case _:
            return _of_roff(path)


def _of_mallard(path: Path) -> str:
    blocks = {"title", "p", "desc", "code", "screen"}
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - of a package of Debian
    except ElementTree.ParseError:
        return ""
    lines = [
        " ".join("".join(element.itertext()).split())
        for element in root.iter()
        if element.tag.rpartition("}")[2] in blocks
    ]
    return "\n".join(line for line in lines if line)


class _Text(HTMLParser):
    """The blocks of a page, without what stands on all pages."""

    BLOCKS = frozenset(
        ["p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "dt", "dd", "pre", "div", "br", "tr", "title"]
    )
    LEFT_OUT = frozenset(["script", "style", "nav", "header", "footer", "aside", "head", "noscript"])

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if (
            tag in self.LEFT_OUT
            or (tag == "ul" and "docnav" in (dict(attrs).get("class") or ""))
            or tag in self._outside
        ):
            self._outside.append(tag)
        if tag in self.BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._outside and self._outside[-1] == tag:
            self._outside.pop()
        if tag in self.BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._outside:
            self.pieces.append(data.replace("\n", " "))


def _of_html(source: str) -> str:
    parser = _Text()
    parser.feed(source)
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _of_roff(path: Path) -> str:
    source = gzip.decompress(path.read_bytes())
    if source.startswith(b".so "):
        return ""
    call = ["groff", "-Kutf8", "-Tutf8", "-man", "-P-c", "-rLL=200n", "-rHY=0"]
    done = subprocess.run(call, input=source, capture_output=True, check=False)  # noqa: S603
    plain = re.sub(".\b", "", done.stdout.decode("utf-8", "replace"))
    return "\n".join(line.strip() for line in plain.splitlines() if line.strip())


def order(*names: str) -> float:
    """From 0 to 1, by a hash."""
    return int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest()[:8], "big") / 2**64


def drawn(pages: list[Page]) -> list[Page]:
    """Some of the articles, each in some of its languages."""
    names = sorted({page.name for page in pages}, key=order)[:ARTICLES]
    kept = [page for page in pages if page.name in set(names)]
    share = {name: 2 * RECORDS / len(kept) * order("share", name) for name in names}
    chosen = [page for page in kept if order(page.name, page.language) < share[page.name]]
    return sorted(chosen, key=lambda page: order("id", page.name, page.language, page.place.as_posix()))


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("unpacked", type=Path, help="a folder with a folder a package")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the corpora")
    options = parser.parse_args()
    for name, pages_in in CORPORA.items():
        rows = []
        for page in drawn(list(pages_in(options.unpacked))):
            text = text_of(options.unpacked / page.place)
            if len(text) >= LEAST:
                id_ = hashlib.sha256(f"{page.name}\0{page.language}\0{page.place.as_posix()}".encode()).hexdigest()[:12]
                language = re.split(r"[-_@]", page.language)[0]
                rows.append({"id": id_, "text": text, "lang": language, "gold": page.name})
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        with gzip.open(folder / "corpus.jsonl.gz", "wt", encoding="utf-8") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        with (folder / "gold.jsonl").open("w", encoding="utf-8") as out:
            out.writelines(json.dumps({"id": row["id"], "gold": row["gold"]}) + "\n" for row in rows)
        articles, languages = ({row[key] for row in rows} for key in ("gold", "lang"))
        print(f"{name}: {len(rows):,} records of {len(articles):,} articles in {len(languages)} languages")


if __name__ == "__main__":
    main()
