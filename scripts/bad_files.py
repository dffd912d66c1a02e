"""Files that are bad as a whole, or from some place on; and a corpus with all that is bad, laid out in a folder."""

import gzip
import itertools
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from bad_corpus import (
    HEADER,
    LONG_LINE,
    PACKINGS,
    STDIN,
    STDIN_FILE,
    Bad,
    Case,
    Fault,
    Format,
    Good,
    archived,
    formats,
    json_row,
    large_text,
    odd_texts,
    parquet_of,
    written,
)

TEXTS: Final = "texts"
"""The folder of the texts."""

LOST: Final = 40
"""Good records that bad ones are made of: the first ones, which stand in the tables of every corpus."""

Content = Any
"""A row: the bytes of a line or of a record of an archive, or what a row of Parquet holds."""

Make = Callable[[Sequence[Content], Content], bytes]
"""Makes a file of the rows of good records and of one more, which is to be lost."""

Said = list[tuple[int | None, str]]
"""Lines, and what is to be said of them (patterns)."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was written: the paths of a call in its folder, the records that must come through, and the bad ones.

    ``vanishing`` are files to be taken away once they were found.
    """

    folder: Path
    paths: tuple[str, ...]
    good: tuple[Good, ...]
    bad: tuple[Bad, ...]
    vanishing: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class BadFile:
    """A file of a format, and what is wrong with it: made of ``good`` good records, and ``said`` is what is to be said
    where their rows end before the given line.
    """

    kind: str
    form: str
    make: Make
    said: Callable[[int], Said]
    good: int = 0


# --- bad files of each format


def _once(line: int | None, reason: str) -> Callable[[int], Said]:
    return lambda _: [(line, reason)]


def _behind(reason: str, further: int = 0) -> Callable[[int], Said]:
    return lambda line: [(line + further, reason)]


_REST: Final = "the rest cannot be read: "
_CALLED: Final[Mapping[str, str]] = {".gz": "gzip", ".zst": "Zstandard"}


def packed_files(form: Format, packing: str, unpacked: Format) -> Iterator[BadFile]:
    """What can be wrong with a file of packed lines."""
    pack, called = PACKINGS[packing], _CALLED[packing]
    corrupt, truncated = rf"{_REST}corrupt {called} data \(.+\)", f"{_REST}the {called} data is truncated"

    def cut(rows: Sequence[Content], lost: Content) -> bytes:
        return form.rows(rows) + pack(lost * 3 + b"\n")[:-20]

    def wrong_sum(rows: Sequence[Content], _lost: Content) -> bytes:
        return form.rows(rows) + pack(b"\n")[: -8 if called == "gzip" else -4] + b"\xff" * 8

    yield BadFile("cut off", form.ending, cut, _behind(truncated), 2)
    yield BadFile("wrong checksum", form.ending, wrong_sum, _behind(corrupt, called == "gzip"), 2)
    yield BadFile("other data behind", form.ending, lambda rows, _: form.rows(rows) + b"other", _behind(corrupt), 2)
    yield BadFile("not packed", form.ending, lambda _, lost: unpacked.rows([lost]), _once(1, corrupt))
    yield BadFile("empty file", form.ending, lambda _, _lost: b"", _once(1, truncated))


def json_files() -> Iterator[BadFile]:
    """What can be wrong with a file of JSON Lines that is not packed."""
    nul = r"malformed JSON: a NUL character at column 1 \(UTF-16\?\)"
    line = '{"text": "The council met."}'
    yield BadFile("UTF-16", "jsonl", lambda *_: line.encode("utf-16"), _once(1, r"not UTF-8 \(byte 1 of the line\)"))
    yield BadFile("UTF-16 without a mark", "jsonl", lambda *_: line.encode("utf-16-be"), _once(1, nul))
    yield BadFile("gzip data", "jsonl", lambda *_: gzip.compress(b"{}", mtime=0), _once(1, r"not UTF-8 \(.+\)"))
    yield BadFile(
        "bare carriage returns",
        "jsonl",
        lambda _, lost: lost + b"\r" + lost + b"\r",
        _once(1, r"malformed JSON: Extra data at column \d+"),
    )


def delimited_files(ending: str, separator: bytes) -> Iterator[BadFile]:
    """What can be wrong with a table of cells that is not packed."""
    header = separator.join(map(str.encode, HEADER)) + b"\n"
    unclosed = "a quote is not closed: all from here to the end of the file is one field"

    def table(names: bytes, encoding: str = "utf-8") -> Make:
        return lambda _, lost: names + lost + b"\n" if encoding == "utf-8" else (names + lost).decode().encode(encoding)

    def quote(rows: Sequence[bytes], lost: bytes) -> bytes:
        return header + b"".join(row + b"\n" for row in rows) + b'x"' + separator + b'"' + lost.replace(b'"', b"")

    yield BadFile("a quote that is not closed", ending, quote, _behind(unclosed), 2)
    yield BadFile(
        "no text in the header", ending, table(b"id" + separator + b"n\n"), _once(1, r'no field "text" \(.+\)')
    )
    yield BadFile("header not UTF-8", ending, table(header[:-1] + b"\xe9\n"), _once(1, "the header is not UTF-8"))
    yield BadFile(
        "the text twice in the header",
        ending,
        table(header[:-1] + separator + b"text\n"),
        _once(1, "the header names 'text' more than once"),
    )
    with_mark = table(header, "utf-16")
    yield BadFile("UTF-16", ending, with_mark, _once(1, "the header is not UTF-8"))
    without = table(header, "utf-16-le")
    nul = r"the header holds NUL characters \(UTF-16\?\)"
    yield BadFile("UTF-16 without a mark", ending, without, _once(1, nul))
    yield BadFile(
        "bare carriage returns",
        ending,
        lambda _, lost: (header + lost.replace(b"\n", b" ")).replace(b"\n", b"\r") + b"\r",
        _once(1, "malformed header: a carriage return in a cell without quotes"),
    )


def archive_files(form: Format, packing: str) -> Iterator[BadFile]:
    """What can be wrong with a web archive."""
    pack = PACKINGS[packing]
    broken = "broken from here to the next record that can be read: .+"
    pages = "1 page as it was fetched is not read: extract the text first, as in WET files"

    def with_length(length: str) -> Make:
        record = archived(b"text", "urn:uuid:length", Content_Length=length)
        return lambda rows, _: form.rows(rows) + pack(record)

    def cut(rows: Sequence[bytes], lost: bytes) -> bytes:
        return form.rows(rows) + pack(lost)[:-30]

    page = archived(b"<p>x", "urn:uuid:page", WARC_Type="response", Content_Type="application/http")
    yield BadFile("cut off", form.ending, cut, _behind(f"breaks off.*|{broken}"), 2)
    yield BadFile(
        "other data behind",
        form.ending,
        lambda rows, _: form.rows(rows) + b"other",
        _behind(f"{broken}|breaks off.*"),
        2,
    )
    yield BadFile("no archive", form.ending, lambda *_: b"no archive at all " * 40, _once(1, broken))
    yield BadFile(
        "a page as it was fetched", form.ending, lambda rows, _: form.rows(rows) + pack(page), _once(None, pages), 2
    )
    wrong = "its Content-Length is not the length of its content"
    for kind, length, said in (
        ("huge length", "9" * 17, "larger than 67,108,864 bytes"),
        ("length beyond the end", "100000", "breaks off after .+ of 100,000 bytes"),
        ("no number as length", "x", wrong),
        ("negative length", "-5", wrong),
    ):
        yield BadFile(kind, form.ending, with_length(length), _behind(said), 2)


def parquet_files() -> Iterator[BadFile]:
    """What can be wrong with a Parquet file."""

    def of(**columns: object) -> Make:
        return lambda *_: written(pa.table(columns))

    def broken(rows: Sequence[Content], lost: Content) -> bytes:
        content = bytearray(parquet_of([*rows, *[lost] * len(rows)], row_group_size=len(rows)))
        place = pq.ParquetFile(pa.BufferReader(bytes(content))).metadata.row_group(1).column(0).data_page_offset
        content[place : place + 40] = b"\xff" * 40
        return bytes(content)

    def checksum(rows: Sequence[Content], lost: Content) -> bytes:
        content = parquet_of([*rows, {**lost, "text": "Text 15"}], row_group_size=len(rows), write_page_checksum=True)
        return content.replace(b"Text 15", b"Test 15")

    group = r"rows 5 to {} cannot be read: .+"
    unreadable = _once(None, "cannot be read: .+")
    yield BadFile("cut off", "parquet", lambda _, lost: parquet_of([lost])[:-3], unreadable)
    yield BadFile("no Parquet", "parquet", lambda *_: b"no parquet at all" * 9, unreadable)
    yield BadFile("empty file", "parquet", lambda *_: b"", unreadable)
    yield BadFile(
        "column not UTF-8",
        "parquet",
        lambda *given: of(text=["x"], more=["x"])(*given).replace(b"more", b"\xff\xfe\xfd\xfc"),
        unreadable,
    )
    yield BadFile("no text column", "parquet", of(id=["a"]), _once(None, r'no field "text" \(.+\)'))
    yield BadFile("the text is a number", "parquet", of(text=[1]), _once(1, 'field "text" is a number, not a string'))
    yield BadFile(
        "the text is an array", "parquet", of(text=[["a"]]), _once(1, 'field "text" is an array, not a string')
    )
    yield BadFile("broken row group", "parquet", broken, _behind(group.format(8)), 4)
    yield BadFile("wrong page checksum", "parquet", checksum, _behind(group.format(5)), 4)


TEXT_FILES: Final[Mapping[str, tuple[bytes, str]]] = {
    "empty file": (b"", "empty text"),
    "white space": (b" \r\n\t\n", "empty text"),
    "zero width": ("\ufeff\u200b\u200d".encode(), "empty text"),
    "variation selectors": ("\ufe0f\ufe0e".encode(), "empty text"),
    "a byte order mark only": (b"\xff\xfe", "empty text"),
    "NUL characters": (bytes(300), "not text in a known encoding"),
    "one byte repeated": (b"\xff" * 300, "not text in a known encoding"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4, "not text in a known encoding"),
    "a program": (b"\x7fELF\2\1\1" + bytes(n * n % 251 for n in range(2000)), "not text in a known encoding"),
    "gzip data": (gzip.compress(bytes(n * n % 253 for n in range(2000)), mtime=0), "not text in a known encoding"),
    "other data behind a mark": (b"\xff\xfe" + bytes(n % 7 for n in range(900)), "not text in a known encoding"),
    "replacement characters": (("\ufffd" * 60 + "abc").encode(), "not text in a known encoding"),
    "private characters": (("\ue000\uf8ff" * 60).encode(), "not text in a known encoding"),
}
"""What is wrong with a text -> its bytes, and what is to be said."""


def bad_files() -> list[BadFile]:
    """Those of all tables."""
    made = [*json_files(), *parquet_files()]
    all_ = formats()
    for ending, separator in {"csv": b",", "tsv": b"\t"}.items():
        made += delimited_files(ending, separator)
    for ending, packing in itertools.product(("jsonl", "csv", "tsv"), _CALLED):
        made += packed_files(all_[ending + packing], packing, all_[ending])
    for ending, packing in itertools.product(("warc", "wet"), PACKINGS):
        made += archive_files(all_[ending + packing], packing)
    return made


# --- a corpus


class Maker:
    """Writes a corpus into a folder, with or without what is bad."""

    def __init__(self, folder: Path, goods: Iterable[Good], *, with_bad: bool) -> None:
        self.folder = folder
        self.with_bad = with_bad
        self.formats = formats()
        self._goods = list(goods)
        self._lost = itertools.cycle(self._goods[:LOST])
        self._numbers = itertools.count(1)
        self._paths: list[str] = []
        self._good: list[Good] = []
        self._bad: list[Bad] = []
        self._vanishing: list[Path] = []
        (folder / TEXTS).mkdir(parents=True, exist_ok=True)

    @property
    def left(self) -> int:
        """How many good records stand nowhere yet."""
        return len(self._goods)

    def corpus(self) -> Corpus:
        """What was written."""
        return Corpus(self.folder, tuple(self._paths), tuple(self._good), tuple(self._bad), tuple(self._vanishing))

    def _take(self, count: int) -> list[Good]:
        taken, self._goods = self._goods[:count], self._goods[count:]
        self._good += taken
        return taken

    def _case(self) -> Case:
        return Case(next(self._lost), next(self._numbers))

    def _write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def table(self, form: Format, count: int, faults: Sequence[Fault]) -> None:
        """A table of so many good records and those odd ones that only this format has, between them a bad row of each
        of the faults. The last row is a good one.
        """
        odd = [*form.odd(self._goods[0], form.ending), *odd_texts(self._goods, form.ending)]
        goods = [*self._take(count // 2), *odd, *self._take(count - count // 2)]
        self._good += odd
        rows: list[Content] = []
        noted: list[tuple[int, Fault, Case]] = []
        for at, good in enumerate(goods):
            for fault in faults[at * len(faults) // len(goods) : (at + 1) * len(faults) // len(goods)]:
                case = self._case()
                if self.with_bad:
                    noted.append((len(rows), fault, case))
                    rows.append(fault.make(case))
            rows.append(form.row(good))
        path = STDIN if form.ending == STDIN else f"rows.{form.ending}"
        self._write(STDIN_FILE if path == STDIN else path, form.rows(rows))
        self._paths.append(path)
        lines = form.lines(rows)
        for place, fault, case in noted:
            reason = fault.reason.replace("{id}", re.escape(case.good.id))
            self._bad.append(Bad(fault.kind, form.ending, path, lines[place], reason))

    def file(self, file: BadFile) -> None:
        """A bad file; without its fault where nothing bad is wanted, and not at all where nothing else is in it."""
        form = self.formats[file.form]
        rows = [form.row(good) for good in self._take(file.good)]
        lost = form.row(self._case().good)
        name = f"{file.kind.replace(' ', '-')}.{file.form}"
        if self.with_bad:
            self._write(name, file.make(rows, lost))
            line = form.lines([*rows, lost])[-1]
            self._bad += (Bad(file.kind, file.form, name, at, reason) for at, reason in file.said(line))
        elif rows:
            self._write(name, form.rows(rows))
        if self.with_bad or rows:
            self._paths.append(name)

    def texts(self, count: int) -> None:
        """So many good texts, in turns .txt and .md, and those that are odd in their bytes or their names."""
        for good, ending in zip(self._take(count), itertools.cycle((".txt", ".md")), strict=False):
            self._good.remove(good)
            self._good.append(self._text(f"{good.id}{ending}", good.text.encode(), good.odd))
        for number, (kind, content) in enumerate(odd_bytes(self._goods[0].text).items()):
            self._good.append(self._text(f"odd-bytes-{number}.txt", content, kind))
        self._paths.append(TEXTS)
        if self.with_bad:
            for number, (kind, (content, reason)) in enumerate(TEXT_FILES.items()):
                name = f"bad-{number}{'.md' if number % 3 else '.txt'}"
                self._write(f"{TEXTS}/{name}", content)
                self._bad.append(Bad(kind, "txt", f"{TEXTS}/{name}", None, reason))

    def _text(self, name: str, content: bytes, odd: str | None = None) -> Good:
        self._write(f"{TEXTS}/{name}", content)
        return Good(name.encode("utf-8", "backslashreplace").decode(), "", None, odd)

    def odd_names(self) -> None:
        """Good texts and one bad one under names that no repository should hold."""
        text = self._goods[0].text
        names = {
            "name not UTF-8": os.fsdecode(b"caf\xe9.txt"),
            "line end in the name": "one\ntwo.txt",
            "controls in the name": "\x1b[31mred\r.txt",
            "name like an option": "--strict.txt",
            "name as long as can be": "x" * 251 + ".txt",
            "name of signs": "'\"`$(touch x);&|*?[a] .txt",
            "deep folder": "/".join(["d"] * 100) + "/deep.txt",
        }
        for number, (kind, name) in enumerate(names.items()):
            self._good.append(self._text(name, f"{text} {number}".encode(), kind))
        if self.with_bad:
            self._write(f"{TEXTS}/{os.fsdecode(bytes([0xFF, 0xFE]))}.txt", b"")
            self._bad.append(
                Bad("empty, and its name not UTF-8", "txt", f"{TEXTS}/\\udcff\\udcfe.txt", None, "empty text")
            )

    def no_files(self) -> None:
        """What is called like a text or a table, and is none that can be read."""
        if not self.with_bad:
            return
        for ending in _MEMORY:
            given = ending != ".txt"
            place = self.folder if given else self.folder / TEXTS
            os.mkfifo(place / f"pipe{ending}")
            with socket.socket(socket.AF_UNIX) as server:
                _bind(server, place / f"socket{ending}")
            links = {"device": "/dev/zero", "loop": f"loop{ending}", "broken": "nowhere", "memory": _MEMORY[ending]}
            for name, target in links.items():
                (place / f"{name}{ending}").symlink_to(target)
            for name, (kind, line, reason) in _no_files(ending).items():
                path = f"{name}{ending}" if given else f"{TEXTS}/{name}{ending}"
                self._bad.append(Bad(kind, ending[1:], path, line, reason))
                self._paths += [path] if given else []
        self._links()

    def _links(self) -> None:
        """Ways to what is read already."""
        (self.folder / TEXTS / "round").symlink_to(".")
        self._bad.append(Bad("a folder in itself", "folder", f"{TEXTS}/round", None, f"the same folder as {TEXTS}"))
        (self.folder / "again.csv").symlink_to("rows.csv")
        self._paths.append("again.csv")
        self._bad.append(Bad("the same file by a link", "csv", "again.csv", None, r"the same file as rows\.csv"))

    def forbidden(self) -> None:
        """What nobody may read who is not above the law."""
        if not self.with_bad:
            return
        denied = "cannot be read: Permission denied"
        for path in ("closed.csv", "closed.wet.gz", f"{TEXTS}/closed.md", f"{TEXTS}/closed"):
            file = self.folder / path
            if file.suffix:
                file.touch()
                self._paths += [path] if file.parent == self.folder else []
            else:
                file.mkdir()
            file.chmod(0)
            self._bad.append(Bad("no permission", file.name.partition(".")[2] or "folder", path, None, denied))

    def vanishing(self) -> None:
        """What is there when files are looked for, and gone when it is to be read."""
        if not self.with_bad:
            return
        for path in ("vanishing.jsonl", "vanishing.tsv.zst", "vanishing.parquet", f"{TEXTS}/vanishing.txt"):
            self._vanishing.append(self._write(path, b"x"))
            self._paths += [] if path.startswith(TEXTS) else [path]
            reason = "cannot be read: No such file or directory"
            self._bad.append(Bad("vanished", path.partition(".")[2], path, None, reason))

    def large(self) -> None:
        """Texts of ten megabytes; and lines, rows and texts that are larger than any may be, among good ones."""
        large = large_text(self._goods[:200])
        self._good.append(self._text("ten-megabytes.txt", large.text.encode(), large.odd))
        self._write("large.jsonl", json_row(large) + b"\n")
        self._good.append(large)
        self._paths.append("large.jsonl")
        for ending, separator in {"jsonl": None, "jsonl.gz": None, "csv": b",", "tsv.zst": b"\t"}.items():
            form = self.formats[ending]
            rows = [form.row(good) for good in self._take(4)]
            long = _long_rows(separator) if self.with_bad else {}
            name = f"long.{ending}"
            self._write(name, form.rows([*rows[:2], *long.values(), *rows[2:]]))
            self._paths.append(name)
            lines = form.lines([*rows[:2], *long.values(), *rows[2:]])[2 : 2 + len(long)]
            self._bad += (
                Bad(k, ending, name, at, r"(line|row) longer than 67,108,864 bytes")
                for k, at in zip(long, lines, strict=True)
            )
        if self.with_bad:
            with self._write(f"{TEXTS}/large.txt", b"").open("wb") as file:
                file.truncate(LONG_LINE)
            self._bad.append(Bad("a text too large", "txt", f"{TEXTS}/large.txt", None, "larger than 67,108,864 bytes"))


_MEMORY: Final[Mapping[str, str]] = {".txt": "/proc/self/mem", ".jsonl": "/proc/thread-self/mem"}
"""Files that open, and fail when they are read; two, for each is read once."""


def _no_files(ending: str) -> dict[str, tuple[str, int | None, str]]:
    """Name -> what is wrong with what is called so, the line, and what is to be said."""
    line, fails = (1, "the rest cannot be read: ") if ending == ".jsonl" else (None, "cannot be read: ")
    return {
        "pipe": ("a pipe", None, "a pipe, not a regular file"),
        "socket": ("a socket", None, "a socket, not a regular file"),
        "device": ("a device", None, "a device, not a regular file"),
        "loop": ("a link to itself", None, "cannot be read: Too many levels of symbolic links"),
        "broken": ("a broken link", None, "a broken link"),
        "memory": ("a file that fails", line, f"{fails}Input/output error"),
    }


def _bind(server: socket.socket, path: Path) -> None:
    """Make a socket there; its path may have a hundred bytes, so go there."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        server.bind(path.name)
    finally:
        os.chdir(before)


def _long_rows(separator: bytes | None) -> dict[str, bytes]:
    if separator is None:
        return {"a line too long": b'{"text": "' + b"x" * LONG_LINE + b'"}'}
    bare = b"bad" + separator + b"x" * LONG_LINE + separator * 2
    quoted = b"bad" + separator + b'"' + (b"x" * 99 + b"\n") * (LONG_LINE // 100) + b'"' + separator * 2
    return {"a row too long": bare, "a row of lines too long": quoted}


def odd_bytes(text: str) -> dict[str, bytes]:
    """What is unusual about a text's bytes -> the bytes."""
    russian = "Совет Линдмура насчитывает 96 из 113 сотрудников. Он получил 402 дела и решил 317 из них."
    return {
        "UTF-8 with a mark": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16 with a mark": text.encode("utf-16"),
        "UTF-16 without a mark": (russian * 3).encode("utf-16-le"),
        "UTF-32 with a mark": text.encode("utf-32"),
        "Windows-1251": (russian * 3).encode("cp1251"),
        "a character cut in two": text.encode() + "\u0416\u0416".encode()[:-1],
        "NUL and control characters": b"Lindmoor\0 has \x01 1,214 \xc2\x85 homes.",
        "bare carriage returns": text.encode().replace(b"\n", b"\r"),
        "byte order marks within": "Lindmoor \ufeffhas 2,214\ufeff homes.".encode(),
        "markup": b"<html><body><p>Lindmoor has 3,214 homes.</p></body></html>",
    }
