import codecs
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.model import Record, Skipped
from dedup.read import read_records, texts

Item = Record | Skipped
NOT_TEXT = "not text in a known encoding"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], Item]:
    def read_one(content: bytes) -> Item:
        path = tmp_path / "a.txt"
        path.write_bytes(content)
        [item] = read_records([path])
        assert item.path == path.as_posix()
        assert item.line is None
        return item

    return read_one


Read = Callable[[bytes], Item]


def text_of(item: Item) -> str:
    assert isinstance(item, Record)
    return item.text


def reason_of(item: Item) -> str:
    assert isinstance(item, Skipped)
    return item.reason


def test_a_file_is_one_record_without_url_and_language(read: Read, tmp_path: Path) -> None:
    path = (tmp_path / "a.txt").as_posix()
    assert read("Two\nlines, 你好\n".encode()) == Record(id="a.txt", text="Two\nlines, 你好\n", path=path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", ["A text.", "Один текст.", "一篇文章。"])
def test_a_byte_order_mark_tells_the_encoding_and_is_dropped(read: Read, encoding: str, text: str) -> None:
    assert text_of(read(text.encode(encoding))) == text


@pytest.mark.parametrize(("mark", "encoding"), [(codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF32_BE, "utf-32-be")])
def test_big_endian_marks_too(read: Read, mark: bytes, encoding: str) -> None:
    assert text_of(read(mark + "Один текст.".encode(encoding))) == "Один текст."


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Министерство объявило о новой реформе местного управления. "),
        ("cp1256", "أعلنت الوزارة عن إصلاح جديد في الإدارة المحلية. "),
        ("gb18030", "政府今天宣布了新的地方行政改革计划。"),
        ("cp932", "政府は新しい地方行政の改革を発表しました。"),
        ("utf-16-le", "The ministry announced a new reform. "),
    ],
)
def test_other_encodings_are_guessed(read: Read, encoding: str, text: str) -> None:
    assert text_of(read((text * 5).encode(encoding))) == text * 5


def test_the_guess_looks_at_the_beginning_only_but_all_is_decoded(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_GUESS_FROM_BYTES", 1001)  # within a character
    text = "政府今天宣布了新的地方行政改革计划。\n" * 100
    assert text_of(read(text.encode("gb18030"))) == text


def test_a_few_faults_do_not_make_utf8_another_encoding(read: Read) -> None:
    arabic = "أعلنت الوزارة عن إصلاح جديد"
    assert text_of(read(arabic.encode() + b"\xd8")) == arabic + "\ufffd"


def test_replacement_characters_that_were_there_already_stay(read: Read) -> None:
    assert text_of(read("caf\ufffd with a good name".encode())) == "caf\ufffd with a good name"


@pytest.mark.parametrize("data", [bytes(range(256)) * 20, b"\x7fELF" + b"\0\1\2" * 500])
def test_what_is_no_text_is_skipped(read: Read, data: bytes) -> None:
    assert reason_of(read(data)) == NOT_TEXT


def test_a_mark_before_other_data_does_not_make_it_text(read: Read) -> None:
    assert reason_of(read(codecs.BOM_UTF8 + b"\xff\xfe\x00" * 50)) == NOT_TEXT


@pytest.mark.parametrize("blank", ["", " \n\t\r\n", "\ufeff", "\u200b\u200d \u00ad\u2060", "\u3000\u00a0"])
def test_text_without_anything_to_see_is_skipped(read: Read, blank: str) -> None:
    assert reason_of(read(blank.encode())) == "empty text"


def test_control_characters_become_spaces_and_line_ends_become_one_kind(read: Read) -> None:
    text = b"one\0two\x1bthree\x0cfour\tfive\r\nsix\rseven\n" + b"and so on " * 20
    assert text_of(read(text)) == "one two three four\tfive\nsix\nseven\n" + "and so on " * 20


def test_ten_megabytes_are_read_and_too_many_skipped(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"Ten bytes.\n" * 1_000_000
    assert len(text_of(read(text))) == len(text)
    monkeypatch.setattr(texts, "MAX_TEXT_BYTES", 10_999_999)
    assert reason_of(read(text)) == "larger than 10,999,999 bytes"


@given(st.binary() | st.text(st.characters()).map(lambda text: text.encode("utf-16", "surrogatepass")))
def test_no_bytes_at_all_raise(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "a.txt").write_bytes(content)
        [item] = read_records([folder])
    if isinstance(item, Record):
        item.text.encode("utf-8")
        assert item.text.strip()
