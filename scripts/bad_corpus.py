"""A corpus of good records with bad ones among them, in every format that is read, and what should be said of each.

The good ones are the hand-made articles (``tests/handmade``), and copies of them with other figures, some cut short.
Some are *odd*: nothing is wrong with a text of one word, with ten megabytes, with control characters. The bad ones
carry the text of a good one where their fault allows it: read by mistake, they would change a cluster.

The same call writes the same bytes (of packed files and Parquet, as far as the libraries that pack do).
"""

import gzip
import hashlib
import io
import itertools
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from handmade import Row, read_rows

STDIN: Final = "-"
STDIN_FILE: Final = "stdin.jsonl"
"""What goes to standard input, in the folder of the corpus."""

LONG_LINE: Final = 64 * 2**20 + 1000
"""Bytes; more than any line or text may have."""

LONG_TEXT: Final = 10_000_000
"""Bytes of a text that is to be handled."""


@dataclass(frozen=True, slots=True)
class Good:
    """A record that must come through. ``odd`` says what is unusual about it; ``raw`` is its row where the row is what
    is unusual.
    """

    id: str
    text: str
    lang: str | None = None
    odd: str | None = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """A piece of input that is to be skipped: what is wrong, in which format, and what is to be said (a pattern)."""

    kind: str
    form: str
    path: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """What a bad row is made of: a good text, its id, and a number that no other row has."""

    good: Good
    number: int

    @property
    def row(self) -> dict[str, Any]:
        """A row with an id of its own, which would be read."""
        return {"id": f"bad-{self.number}", "text": self.good.text, "lang": self.good.lang}

    def with_(self, **values: object) -> dict[str, Any]:
        """The row with other values."""
        return {**self.row, **values}

    @property
    def double(self) -> dict[str, Any]:
        """A row with the id of the good one. Of two records with one id the one whose text has the smaller digest
        stays; that is the good one.
        """
        digest = _digest(self.good.text)
        texts = (f"{self.good.text} {self.number}.{n}" for n in itertools.count())
        return self.with_(id=self.good.id, text=next(text for text in texts if _digest(text) > digest))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """A bad row: what is wrong, how it is made, and what is to be said of it (a pattern)."""

    kind: str
    make: Callable[[Case], Any]
    reason: str


# --- good records


def good_records(count: int) -> list[Good]:
    """So many records with one id each: the hand-made ones, then copies with other figures, every third cut short.

    A digit becomes the same other digit in all languages of an article, so versions of it stay versions.
    """
    rows = read_rows()
    made: list[Good] = []
    for round_ in itertools.count():
        for row in rows:
            if len(made) == count:
                return made
            made.append(_version(row, round_))
    raise AssertionError  # counting never ends


def _version(row: Row, round_: int) -> Good:
    if not round_:
        return Good(row.id, row.text, row.lang)
    digits = list("0123456789")
    random.Random(f"{row.gold} {round_}").shuffle(digits)
    text = row.text.translate(str.maketrans("0123456789", "".join(digits)))
    lines = text.splitlines()
    if round_ % 3 == 0:
        lines = lines[: max(1, len(lines) * 2 // 3)]
    return Good(f"{row.id}-{round_}", "\n".join([f"{lines[0]} ({round_ * 17})", *lines[1:]]), row.lang)


def odd_texts(goods: Sequence[Good], form: str) -> list[Good]:
    """Texts that are unusual in any format; their ids name the format."""
    texts = {
        "one word": "Floodplain",
        "one letter": "ж",
        "digits only": "1945 20 3.14159 1,000,000",
        "emoji only": "\U0001f30a\U0001f3e0\U0001f44d\U0001f3fd",
        "no known language": "Qlorp zanthu vrekka immodulo. Thraxi ponde quilm, ost vrekka zanthu 471 blorpi.",
        "no known script": "".join(map(chr, range(0x10600, 0x10680))),
        "mixed languages": "\n".join(one.text for one in goods[:3]),
        "combining marks heaped up": "Z" + "\u0301\u0316\u0489" * 300 + "algo writes this line about 317 files.",
        "right to left override": "\u202eThe council of Lindmoor met\u202c on Monday; 214 families came home.",
        "zero width between letters": "\u200b".join("The council of Lindmoor has solved 317 files since 1987."),
        "replacement characters": "The caf\ufffd of Lindmoor reopened after 160 days, said Prowse.",
        "a source line only": "Source: https://example.org/news/2025/11/a-page-without-a-text-4711.html",
        "markup": "<script>alert(1)</script> <b>Lindmoor</b> has 214 homes & 160 cellars; {{ 7 * 7 }}",
        "a formula": '=HYPERLINK("http://example.org/x";"Lindmoor") and 317 more of such cells',
    }
    return [Good(f"odd-text-{form}-{number}", text, None, name) for number, (name, text) in enumerate(texts.items())]


def large_text(goods: Sequence[Good]) -> Good:
    """A text of ten megabytes, in several languages."""
    whole = "\n".join(one.text for one in goods)
    times = LONG_TEXT // len(whole.encode()) + 1
    return Good("odd-large", "\n".join(f"{whole} {n}" for n in range(times)), None, "10 MB")


# --- JSON Lines


def _json(row: object) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


def _cell(case: Case) -> bytes:
    """A text within quotes, as JSON."""
    return json.dumps(case.good.text, ensure_ascii=False).encode()


_UNSEEN: Final = {
    "empty": "",
    "white space": " \t\n\u3000\u00a0",
    "zero width": "\u200b\u200d\ufeff\u2060",
    "variation selectors": "\ufe0f\ufe0e",
    "control characters": "\0\0\1",
}

Encode = Callable[[Mapping[str, Any]], Any]
"""Makes a row of values by name."""


def _with(encode: Encode, **values: object) -> Callable[[Case], Any]:
    """A row with these values in the place of good ones."""
    return lambda case: encode(case.with_(**values))


def faults_of_any_format(encode: Encode) -> tuple[Fault, ...]:
    """What can be wrong with a row whatever its format is."""
    return (
        *(Fault(f"the text is {name}", _with(encode, text=text), "empty text") for name, text in _UNSEEN.items()),
        Fault("the id is zero width", _with(encode, id="\u200b"), 'field "id" is empty'),
        Fault("duplicate id", lambda case: encode(case.double), r'duplicate id "{id}" \(kept: .+\)'),
    )


_VALUES: Final = {"null": None, "a boolean": True, "a number": 12.5, "an array": ["x"], "an object": {"en": "x"}}


def _line(content: bytes) -> Callable[[Case], bytes]:
    return lambda _: content


JSON_FAULTS: Final = (
    *faults_of_any_format(_json),
    *(
        Fault(f"the line is {name}", _line(_json(value)), f"{name}, not an object with fields")
        for name, value in {**_VALUES, "a string": "x"}.items()
        if name != "an object"
    ),
    *(
        Fault(f"the text is {name}", _with(_json, text=value), f'field "text" is {name}, not a string')
        for name, value in _VALUES.items()
    ),
    *(
        Fault(f"the id is {name}", _with(_json, id=value), f'field "id" is {name}, not a string or an integer')
        for name, value in _VALUES.items()
        if value is not None
    ),
    Fault(
        "no text",
        lambda c: _json({"id": f"bad-{c.number}", "n": 1}),
        r'no field "text"( \(has: id; use --text-field\))?',
    ),
    Fault("no field at all", lambda _: b"{}", 'no field "text"'),
    Fault("broken off", lambda c: _json(c.row)[:-2], r"malformed JSON: Unterminated string starting at column \d+"),
    Fault("single quotes", lambda c: b"{'text': " + _cell(c) + b"}", r"malformed JSON: .+ at column 2"),
    Fault("two on one line", lambda c: _json(c.row) * 2, r"malformed JSON: Extra data at column \d+"),
    Fault("comma at the end", lambda c: _json(c.row) + b",", r"malformed JSON: Extra data at column \d+"),
    Fault("no JSON", lambda c: b"<p>" + c.good.text.encode().replace(b"\n", b" "), r"malformed JSON: .+ at column 1"),
    Fault("not UTF-8", lambda c: _json(c.row)[:-2] + b' caf\xe9"}', r"not UTF-8 \(byte \d+ of the line\)"),
    Fault("overlong UTF-8", lambda c: _json(c.row)[:-2] + b'\xc0\xaf"}', r"not UTF-8 \(byte \d+ of the line\)"),
    Fault(
        "surrogates as UTF-8", lambda c: _json(c.row)[:-2] + b'\xed\xa0\x80"}', r"not UTF-8 \(byte \d+ of the line\)"
    ),
    Fault("UTF-16", lambda c: _utf_16(c), r"malformed JSON: a NUL character at column [12] \(UTF-16\?\)"),
    Fault("NUL characters", lambda _: b"\0" * 40, r"malformed JSON: a NUL character at column 1 \(UTF-16\?\)"),
    Fault("not a number", lambda c: b'{"text": NaN, "n": %d}' % c.number, 'field "text" is a number, not a string'),
    Fault("a huge number", lambda _: b'{"text": ' + b"7" * 5000 + b"}", 'field "text" is a number, not a string'),
    Fault(
        "nested deeply",
        lambda c: b'{"text": ' + _cell(c) + b', "tree": ' + b'{"a":' * 5_000,
        "malformed JSON: nested too deeply",
    ),
)


def _utf_16(case: Case) -> bytes:
    """A line of ASCII, in UTF-16; the line ends within the two bytes of its end."""
    return json.dumps({"id": f"bad-{case.number}", "text": "The council met."}).encode("utf-16-le").replace(b"\n", b"")


def json_row(good: Good) -> bytes:
    """A record as a line."""
    if good.raw:
        return good.raw
    return _json({"id": good.id, "text": good.text, **({"lang": good.lang} if good.lang else {})})


def odd_lines(good: Good, form: str) -> list[Good]:
    """Lines that are unusual, and all right."""
    text, cell = good.text, json.dumps(good.text, ensure_ascii=False).encode()
    lines = {
        "lone surrogates": b'{"id": "%s", "text": "Lindmoor \\ud800 has \\udfff 214 homes."}',
        "NUL in the text": b'{"id": "%s", "text": "Lindmoor\\u0000 has\\u0001 315 \\u0085 homes."}',
        "raw control characters": b'{"id": "%s", "text": "Lindmoor \0 has \1 416 \t homes."}',
        "NaN elsewhere": b'{"id": "%s", "score": NaN, "text": ' + cell + b"}",
        "a huge number elsewhere": b'{"id": "%s", "n": ' + b"7" * 5000 + b', "text": ' + cell + b"}",
        "nested elsewhere": b'{"id": "%s", "tree": ' + b"[" * 300 + b"]" * 300 + b', "text": ' + cell + b"}",
        "a key twice": b'{"id": "%s", "text": "no", "text": ' + cell + b"}",
        "a byte order mark": b'\xef\xbb\xbf{"id": "%s", "text": ' + cell + b"}",
        "Windows line end": b'{"id": "%s", "text": ' + cell + b"}\r",
        "white space around": b' \t {"id" : "%s" , "text" : ' + cell + b" } \t ",
        "url and language of other types": b'{"id": "%s", "url": 5, "lang": ["en"], "text": ' + cell + b"}",
        "url and language of nonsense": b'{"id": "%s", "url": "ht!p:/\\u0000[::1", "lang": "\\u202e??", "text": '
        + cell
        + b"}",
    }
    made = [
        Good(f"odd-{form}-{n}", text, None, name, line.replace(b"%s", f"odd-{form}-{n}".encode()))
        for n, (name, line) in enumerate(lines.items())
    ]
    number = int.from_bytes(form.encode())
    ids = {"a number as id": number, "a long id": f"{form} " * 1000, "controls in an id": f"\0{form}\n\x1b[31m"}
    return made + [Good(str(id_), text, None, name, _json({"id": id_, "text": text})) for name, id_ in ids.items()]


# --- CSV and TSV


HEADER: Final = ("id", "text", "url", "lang")


def _cells(cells: Iterable[str | None], separator: bytes) -> bytes:
    """A row in quotes."""
    return separator.join(b'"' + (cell or "").replace('"', '""').encode() + b'"' for cell in cells)


def _delimited(row: Mapping[str, Any], separator: bytes) -> bytes:
    return _cells((row.get(name) for name in HEADER), separator)


def delimited_faults(separator: bytes) -> tuple[Fault, ...]:
    """What can be wrong with a row."""

    def bare(case: Case, text: bytes) -> bytes:
        return separator.join([b"bad-%d" % case.number, text, b"", b"en"])

    return (
        *faults_of_any_format(lambda row: _delimited(row, separator)),
        Fault("not UTF-8", lambda c: bare(c, b"caf\xe9 317"), "not UTF-8"),
        Fault("surrogates as UTF-8", lambda c: bare(c, b"\xed\xa0\x80 317"), "not UTF-8"),
        Fault("a cell too many", lambda c: bare(c, b"one 317") + separator, "5 fields, not 4 as in the header"),
        Fault("a cell too few", lambda _: b"one" + separator + b"two" + separator, "3 fields, not 4 as in the header"),
        Fault("one cell", lambda _: b"and a line of text", "1 fields, not 4 as in the header"),
        Fault("the header again", lambda _: separator.join(map(str.encode, HEADER)), "the header once more"),
        Fault(
            "the header again, with a mark",
            lambda _: b"\xef\xbb\xbf" + _cells(HEADER, separator),
            "the header once more",
        ),
        Fault(
            "a bare carriage return",
            lambda c: bare(c, b"one\rtwo 317"),
            "malformed row: a carriage return in a cell without quotes",
        ),
    )


def odd_rows(good: Good, form: str, separator: bytes) -> list[Good]:
    """Rows that are unusual, and all right."""
    text = good.text.replace("\n", " ").replace('"', "").replace(",", "").encode()
    rows = {
        "NUL in the text": b"Lindmoor\0 has 517 homes.",
        "a quote within a cell": b'Lindmoor has 618" of snow' if separator == b"\t" else b'Lindmoor has "618" homes',
        "text behind a quote": b'"Lindmoor has" 719 homes',
        "a quote of several lines": b'"Lindmoor\r\nhas\n\n820 homes"',
        "Windows line end": b'"' + good.text.encode().replace(b'"', b'""') + b'"',
        "a byte order mark": text,
    }
    made = []
    for n, (name, cell) in enumerate(rows.items()):
        id_ = f"odd-{form}-{n}"
        line = separator.join([id_.encode(), cell, b"", b"en" if n % 2 else b""])
        line = {"Windows line end": line + b"\r", "a byte order mark": b"\xef\xbb\xbf" + line}.get(name, line)
        made.append(Good(id_, good.text, None, name, line))
    return made


# --- web archives


def archived(text: bytes, id_: str, lang: str | None = None, **more: str) -> bytes:
    """A text as a record of an archive."""
    headers = {
        "WARC-Type": "conversion",
        "WARC-Date": "2025-11-01T00:00:00Z",
        "WARC-Record-ID": f"<{id_}>",
        "Content-Type": "text/plain",
        "Content-Length": str(len(text)),
        **({"WARC-Identified-Content-Language": lang} if lang else {}),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return head.encode() + b"\r\n" + text + b"\r\n\r\n"


def _archived(row: Mapping[str, Any]) -> bytes:
    return archived(row["text"].encode(), row["id"], row["lang"])


BROKEN: Final = b"\xff" * 200
"""In the place of a record, or of the part that it is packed into."""

_BROKEN_REASON: Final = "broken from here to the next record that can be read: .+"

WARC_FAULTS: Final = (
    *faults_of_any_format(_archived),
    Fault("not UTF-8", lambda c: archived(c.good.text.encode() + b"caf\xe9", f"bad-{c.number}"), "not UTF-8"),
    Fault("broken record", lambda _: BROKEN, _BROKEN_REASON),
)


# --- Parquet


PARQUET_FAULTS: Final = (
    *faults_of_any_format(dict),
    Fault("the text is null", _with(dict, text=None), 'field "text" is null, not a string'),
    Fault("not UTF-8", lambda c: c.with_(text=c.good.text.encode() + b"caf\xe9"), "not UTF-8"),
    Fault("surrogates as UTF-8", lambda c: c.with_(text=b"\xed\xa0\x80 317"), "not UTF-8"),
)


def parquet_of(rows: Sequence[Mapping[str, Any]], **options: object) -> bytes:
    """The rows as a file; a text may be bytes, which nobody checks when they are written."""

    def column(name: str) -> Any:  # noqa: ANN401 - pyarrow has no types
        values = [row.get(name) for row in rows]
        raw = pa.array([v.encode() if isinstance(v, str) else v for v in values], pa.binary())
        return pa.StringArray.from_buffers(len(values), raw.buffers()[1], raw.buffers()[2], raw.buffers()[0])

    return written(pa.table({name: column(name) for name in ("id", "text", "lang")}), **options)


def written(table: Any, **options: object) -> bytes:  # noqa: ANN401
    """A table of pyarrow as a file."""
    file = io.BytesIO()
    pq.write_table(table, file, compression="none", use_dictionary=False, **options)
    return file.getvalue()


# --- tables of all formats


def _plain(content: bytes) -> bytes:
    return content


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _zstandard(content: bytes) -> bytes:
    chosen = zstandard.ZstdCompressionParameters(write_checksum=True)
    return zstandard.ZstdCompressor(compression_params=chosen).compress(content)


PACKINGS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"": _plain, ".gz": _gzip, ".zst": _zstandard}


@dataclass(frozen=True, slots=True)
class Format:
    """A format of tables: how a record is a row of it, what can be wrong with a row, and how rows make a file.

    ``rows`` gives the bytes of a file, ``lines`` says at which line each of the rows begins.
    """

    ending: str
    row: Callable[[Good], Any]
    faults: tuple[Fault, ...]
    rows: Callable[[Sequence[Any]], bytes]
    lines: Callable[[Sequence[Any]], list[int]]
    odd: Callable[[Good, str], list[Good]] = lambda _good, _form: []


def _lines_from(first: int) -> Callable[[Sequence[bytes]], list[int]]:
    def lines(rows: Sequence[bytes]) -> list[int]:
        return list(itertools.accumulate((row.count(b"\n") + 1 for row in rows[:-1]), initial=first))

    return lines


def _numbers(rows: Sequence[Any]) -> list[int]:
    return list(range(1, len(rows) + 1))


def _ended(rows: Iterable[bytes]) -> bytes:
    return b"".join(row + b"\n" for row in rows)


def _packed(pack: Callable[[bytes], bytes], header: bytes = b"") -> Callable[[Sequence[bytes]], bytes]:
    return lambda rows: pack(header + _ended(rows))


def _table(form: str, separator: bytes, pack: Callable[[bytes], bytes]) -> Format:
    header = separator.join(map(str.encode, HEADER)) + b"\n"

    def row(good: Good) -> bytes:
        if good.raw:
            return good.raw
        return _delimited({"id": good.id, "text": good.text, "lang": good.lang}, separator)

    return Format(
        form,
        row,
        delimited_faults(separator),
        _packed(pack, header),
        _lines_from(2),
        lambda good, form: odd_rows(good, form, separator),
    )


def _archive(form: str, pack: Callable[[bytes], bytes]) -> Format:
    def packed(row: bytes) -> bytes:
        return row if row == BROKEN else pack(row)

    return Format(
        form,
        lambda good: archived(good.text.encode(), good.id, good.lang),
        WARC_FAULTS,
        lambda rows: b"".join(map(packed, rows)),
        _numbers,
    )


def formats() -> dict[str, Format]:
    """All formats of tables, by their endings; standard input as ``-``."""
    made = [
        Format(f"jsonl{ending}", json_row, JSON_FAULTS, _packed(pack), _lines_from(1), odd_lines)
        for ending, pack in PACKINGS.items()
    ]
    made += [_table(f"csv{ending}", b",", pack) for ending, pack in PACKINGS.items()]
    made += [_table(f"tsv{ending}", b"\t", pack) for ending, pack in PACKINGS.items()]
    made += [_archive(f"{kind}{ending}", pack) for kind in ("warc", "wet") for ending, pack in PACKINGS.items()]
    made.append(
        Format(
            "parquet",
            lambda good: {"id": good.id, "text": good.text, "lang": good.lang},
            PARQUET_FAULTS,
            parquet_of,
            _numbers,
        )
    )
    made.append(Format(STDIN, json_row, JSON_FAULTS, _ended, _lines_from(1), odd_lines))
    return {one.ending: one for one in made}
