"""The corpora of Debian's documentation, from packages made here."""

import gzip
import json
import shutil
from pathlib import Path

import debian_corpora
import pytest

PARAGRAPH = "A connector is a line that joins objects, and stays with them when they are moved. " * 4
HTML = f"""<html><head><title>Connectors</title><script>var hidden = 1;</script></head><body>
<ul class="docnav top"><li>Next page</li></ul><nav>Contents</nav>
<h1>Connectors</h1><p>{PARAGRAPH}
goes on</p><ul><li>Straight</li><li>Curved</li></ul><footer>Page 7</footer></body></html>"""
MALLARD = f"""<page xmlns="http://projectmallard.org/1.0/" id="a"><info><desc>In short.</desc><credit>
<name>Nobody</name></credit></info><title>Connectors</title><p>{PARAGRAPH}<em>goes</em> on</p></page>"""
ROFF = f""".TH JOIN 1
.SH NAME
join \\- {PARAGRAPH}
"""


def texts(made: Path, name: str) -> dict[tuple[str, str], str]:
    """Gold and language of the records of a corpus -> their text."""
    with gzip.open(made / name / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        return {(row["gold"], row["lang"]): row["text"] for row in map(json.loads, lines)}


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    for language in ("en-US", "de"):
        page = Path(f"libreoffice-help-{language}/usr/share/libreoffice/help/{language}/text/sdraw/join.html")
        for place, content in (
            (page, HTML),
            (Path(f"debian-handbook/usr/share/doc/debian-handbook/html/{language}/join.html"), HTML),
            (Path(f"gnome-user-docs/usr/share/help/{language}/gnome-help/join.page"), MALLARD),
        ):
            (tmp_path / place).parent.mkdir(parents=True)
            (tmp_path / place).write_text(content, encoding="utf-8")
    for folder in ("man/man1", "man/de/man1"):
        place = tmp_path / "manpages" / "usr" / "share" / folder
        place.mkdir(parents=True)
        (place / "join.1.gz").write_bytes(gzip.compress(ROFF.encode()))
    return tmp_path


def test_what_a_reader_reads_becomes_a_record_of_its_page(
    unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("groff") is None:
        monkeypatch.setattr(debian_corpora, "CORPORA", {k: v for k, v in debian_corpora.CORPORA.items() if k != "man"})
    monkeypatch.setattr("sys.argv", ["debian_corpora.py", str(unpacked), "--out", str(tmp_path / "out")])
    monkeypatch.setattr(debian_corpora, "drawn", lambda pages: pages)  # all of them
    debian_corpora.main()
    assert "help: 2 records of 1 articles in 2 languages" in capsys.readouterr().out
    body = f"Connectors\n{PARAGRAPH}goes on\nStraight\nCurved"
    assert texts(tmp_path / "out", "help") == {("text/sdraw/join.html", lang): body for lang in ("en", "de")}
    assert texts(tmp_path / "out", "handbook") == {("join.html", lang): body for lang in ("en", "de")}
    assert texts(tmp_path / "out", "gnome") == {
        ("gnome-help/join.page", lang): f"In short.\nConnectors\n{PARAGRAPH}goes on" for lang in ("en", "de")
    }
    if "man" in debian_corpora.CORPORA:
        found = texts(tmp_path / "out", "man")
        assert found.keys() == {("man1/join.1.gz", "en"), ("man1/join.1.gz", "de")}
        assert all(" ".join(PARAGRAPH.split()) in " ".join(text.split()) for text in found.values())


def test_articles_are_drawn_with_one_version_to_many_and_always_the_same() -> None:
    pages = [debian_corpora.Page(f"p{number}", f"l{code}", Path("x")) for number in range(600) for code in range(10)]
    drawn = debian_corpora.drawn(pages)
    assert drawn == debian_corpora.drawn(pages[::-1])
    sizes = {name: sum(page.name == name for page in drawn) for name in {page.name for page in drawn}}
    assert len(sizes) <= debian_corpora.ARTICLES
    assert {1, 2, 5, 9} <= {*sizes.values()}
    assert 0.8 * debian_corpora.RECORDS < len(drawn) < 1.2 * debian_corpora.RECORDS
