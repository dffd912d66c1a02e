"""dedup calibrate, from the command line and from within."""

import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import calibration as calibrations
from dedup.calibration import OTHER_SCRIPT, SAME_LANGUAGE, Calibration, Curve, Weights, load
from dedup.calibration.adapt import centroids_of, length_norms_of, without_weights
from dedup.calibration.compute import Prepared, calibration_error, understand
from dedup.calibration.corpus import read_corpora
from dedup.calibration.fit import TERMS, fit, probability
from dedup.calibration.pairs import Sample
from dedup.calibration.split import for_calibration
from dedup.calibration.store import content_digest, write
from dedup.cli import main
from dedup.encoders import HashingEncoder
from dedup.encoders.bundled import WEIGHTS_SHA256
from dedup.errors import InputError
from dedup.model import Record
from dedup.read import Fields

from . import parallel, stages

ROWS = parallel.rows(40)
FIELDS = Fields(gold="gold")

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Calls the program in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        assert isinstance(end.value.code, int)
        return end.value.code, *capfd.readouterr()

    return call


def save(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    parallel.save_model(folder)
    return folder


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """A folder with the calibration of the tiny model, dated 1970-01-02."""
    folder = tmp_path_factory.mktemp("calibrated")
    corpus = save(folder / "parallel.jsonl", ROWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "86400")
        with pytest.raises(SystemExit) as end:
            main(["calibrate", str(corpus), "--model", str(model), "-o", str(folder / "out"), "--licence", "ours"])
    assert end.value.code == 0
    return folder / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def written(folder: Path) -> dict[str, object]:
    (path,) = folder.glob("*.json")
    content: dict[str, object] = json.loads(path.read_text())
    return content


# --- the command


def test_a_model_gets_a_calibration_that_says_where_it_comes_from(calibrated: Path) -> None:
    content = written(calibrated)
    assert str(content["name"]).startswith("tiny 1970-01-02 ")
    provenance = content["provenance"]
    assert isinstance(provenance, dict)
    assert provenance["command"] == "dedup calibrate parallel.jsonl --model tiny -o FOLDER"
    assert (provenance["licence"], provenance["date"]) == ("ours", "1970-01-02")
    data = provenance["data"]["parallel.jsonl"]
    assert (data["records"], data["articles"], data["languages"]) == (120, 40, ["de", "en", "fr"])
    assert provenance["fitted"]["articles"] + provenance["held out"]["articles"] == 40
    assert provenance["fitted"]["articles"] == sum(for_calibration(f"article {number}") for number in range(40))


def test_it_finds_held_out_articles_that_the_model_alone_does_not(calibrated: Path) -> None:
    provenance = written(calibrated)["provenance"]
    assert isinstance(provenance, dict)
    assert provenance["B-cubed of a run over records held out"]["F1"] > 0.95
    assert provenance["the same without this calibration"]["F1"] < 0.8
    assert provenance["expected calibration error on pairs held out"] < 0.05


def test_the_same_records_in_any_order_give_the_same_bytes(
    cli: Cli, calibrated: Path, model: Path, tmp_path: Path
) -> None:
    rows = [*ROWS, ROWS[7]]
    random.Random(1).shuffle(rows)  # noqa: S311
    corpus = save(tmp_path / "parallel.jsonl", [{k: row[k] for k in ("text", "gold", "lang")} for row in rows])
    code, _, err = cli("calibrate", corpus, "--model", model, "-o", tmp_path / "out", "--licence", "ours")
    assert (code, err) == (0, "")
    assert contents(tmp_path / "out") == contents(calibrated)


def test_a_run_and_an_explanation_use_it_and_say_so(cli: Cli, calibrated: Path, model: Path, tmp_path: Path) -> None:
    held_out = [row for row in ROWS if not for_calibration(row["gold"])]
    corpus = save(tmp_path / "rows.jsonl", held_out)
    report = tmp_path / "report.json"
    code, out, err = cli(
        "run",
        corpus,
        "--model",
        model,
        "--calibration",
        calibrated,
        "-o",
        report,
        "--format",
        "json",
        "--confirm",
        "always",
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["encoder"]["calibration"] == written(calibrated)["name"]
    assert found["settings"]["calibration"] == str(calibrated)
    assert len(found["clusters"]) == len(held_out) // 3
    left, right = (member["id"] for member in found["clusters"][0]["members"][:2])
    code, out, err = cli("explain", left, right, "--report", report, "--format", "json")
    assert (code, err) == (0, "")
    explanation = json.loads(out)
    assert explanation["encoder"] == found["encoder"]
    assert explanation["evidence"] == found["clusters"][0]["links"][0]["evidence"]


def test_without_it_a_run_warns_and_names_the_command(cli: Cli, model: Path, tmp_path: Path) -> None:
    code, out, err = cli("run", save(tmp_path / "rows.jsonl", ROWS[:6]), "--model", model, "--format", "json")
    assert code == 0
    assert err.startswith("dedup: warning: no calibration for tiny: ")
    assert err.endswith("dedup calibrate makes one\n")
    assert json.loads(out)["encoder"]["calibration"] == calibrations.UNCALIBRATED


def test_other_weights_under_the_same_name_do_not_get_it(cli: Cli, calibrated: Path, tmp_path: Path) -> None:
    parallel.save_model(tmp_path / "tiny", seed=2)
    corpus = save(tmp_path / "rows.jsonl", ROWS[:6])
    code, out, err = cli("run", corpus, "--model", tmp_path / "tiny", "--calibration", calibrated)
    assert (code, out) == (2, "")
    assert err.startswith(f"dedup: {calibrated} holds no calibration of tiny (")


def test_records_without_gold_or_language_cost_themselves(cli: Cli, model: Path, tmp_path: Path) -> None:
    faulty: list[Mapping[str, object]] = [
        {**ROWS[0], "gold": None},
        {**ROWS[1], "lang": "und"},
        {k: ROWS[2][k] for k in ("text", "lang")},
    ]
    corpus = save(tmp_path / "c.jsonl", [*faulty, *ROWS])
    code, out, err = cli("calibrate", corpus, "--model", model, "-o", tmp_path)
    assert (code, err) == (0, "")
    skipped = f'3 skipped, the first: {corpus}:1: field "gold" is null, not a string or an integer'
    assert out.startswith(f"c.jsonl: 120 records, 40 articles, 3 languages, {skipped}\n")


# --- wrong calls


@pytest.mark.parametrize(
    ("rows", "options", "complaint"),
    [
        (ROWS, ("--gold-field", "cluster"), 'no field "cluster" (has: gold, id, lang, text; use --gold-field)'),
        (ROWS, ("--language-field", "tongue"), 'no language in field "tongue"'),
        (ROWS[:30], (), "at least 10 and 5 are needed, some 20 in all"),
        (ROWS[::3], (), "in two languages or more 0 are to fit and 0 to measure"),
        ([], (), "no record with text, language and gold: 0 skipped"),
        (ROWS, ("--model", "./missing"), "./missing is not the folder of a sentence-transformers model"),
    ],
)
def test_an_unusable_corpus_or_model_is_one_line(
    rows: list[dict[str, str]], options: tuple[str, ...], complaint: str, cli: Cli, tmp_path: Path
) -> None:
    corpus = save(tmp_path / "c.jsonl", rows)
    code, out, err = cli("calibrate", corpus, "-o", tmp_path / "out", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert complaint in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("-o", "out"), "Missing argument 'CORPUS...'. See 'dedup calibrate --help'."),
        (("c.jsonl",), "Missing option '-o' / '--output'. See 'dedup calibrate --help'."),
        (("c.jsonl", "-o", "no/out"), "no/out: cannot be written: there is no folder 'no'"),
        (("c.jsonl", "-o", "c.jsonl"), "c.jsonl: cannot be written: 'c.jsonl' is no folder"),
        (("missing.jsonl", "-o", "out"), "cannot read 'missing.jsonl': No such file or directory"),
        (("folder", "-o", "out"), "folder: no table with gold: give .jsonl, .csv, .tsv or .parquet files"),
        (("-", "-o", "out"), "-: no table with gold: give .jsonl, .csv, .tsv or .parquet files"),
        (("a.txt", "-o", "out"), "a.txt: no table with gold: give .jsonl, .csv, .tsv or .parquet files"),
        (("c.jsonl", "./c.jsonl", "-o", "out"), "a corpus is given twice"),
        (("c.jsonl", "folder/c.jsonl", "-o", "out"), "two corpora have one file name"),
    ],
)
def test_a_wrong_call_is_one_line(
    arguments: tuple[str, ...], complaint: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "folder" / "c.jsonl", [])
    save(tmp_path / "c.jsonl", [])
    code, out, err = cli("calibrate", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert complaint in err


def test_a_date_that_is_none_is_one_line(
    cli: Cli, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    code, _, err = cli("calibrate", save(tmp_path / "c.jsonl", ROWS), "--model", model, "-o", tmp_path)
    assert (code, err) == (2, "dedup: SOURCE_DATE_EPOCH is 'yesterday', not a number of seconds\n")


@pytest.mark.parametrize("command", ["run", "explain"])
def test_a_folder_without_a_calibration_is_one_line_before_the_work(command: str, cli: Cli, tmp_path: Path) -> None:
    texts = [str(save(tmp_path / name, [{"text": name}])) for name in ("a.jsonl", "b.jsonl")]
    code, out, err = cli(command, *texts, "--calibration", tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{tmp_path} holds no calibration of multilingual-e5-small" in err
    code, _, err = cli(command, *texts, "--calibration", tmp_path / "no")
    assert (code, err) == (2, f"dedup: calibration {str(tmp_path / 'no')!r} is no folder\n")


@pytest.mark.parametrize("spoilt", ["{", "[]", "{}", '{"name": "x", "weights": {"a": 1}}', "[" * 100_000])
def test_a_spoilt_calibration_is_refused(spoilt: str, calibrated: Path, model: Path, tmp_path: Path, cli: Cli) -> None:
    folder = Path(shutil.copytree(calibrated, tmp_path / "out"))
    (path,) = folder.glob("*.json")
    path.write_text(spoilt)
    corpus = save(tmp_path / "rows.jsonl", ROWS[:6])
    code, out, err = cli("run", corpus, "--model", model, "--calibration", folder)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{path}: not a calibration: " in err


@pytest.mark.parametrize(
    ("way", "name", "value"),
    [
        ((), "articles", 0),
        ((), "articles", "many"),
        ((), "partner_similarity", None),
        ((), "source_url_weight", 1e999),
        ((), "name", 5),
        (("length_norms",), "en", "long"),
        (("figure_documents",), "1", [1]),
        (("weights", SAME_LANGUAGE), "prior", float("nan")),
        (("weights", SAME_LANGUAGE, "curves", "alignment"), "at", []),
        (("weights", SAME_LANGUAGE, "curves", "alignment"), "weight", [1.0]),
        (("weights", SAME_LANGUAGE, "curves", "alignment", "at"), 0, 99.0),
        (("weights", SAME_LANGUAGE, "curves", "alignment", "weight"), 0, "x"),
        (("levels",), "CJK", {"slope": "steep"}),
    ],
    ids=str,
)
def test_numbers_that_are_none_are_refused(
    way: tuple[str, ...], name: str | int, value: object, tmp_path: Path
) -> None:
    write(calibrations.for_bundled(), {}, "0" * 12, tmp_path)
    path = tmp_path / f"{'0' * 12}.json"
    content = json.loads(path.read_text())
    inner = content
    for step in way:
        inner = inner[step]
    inner[name] = value
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"{path}: not a calibration: ") as error:
        load(tmp_path, "0" * 12)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("languages", "centroids"),
    [
        (["ar", "en"], [[0.1, np.nan], [0.1, 0.2]]),
        (["ar", "en"], [[0.1, np.inf], [0.1, 0.2]]),
        (["ar", "en"], [[0.1, 7.0], [0.1, 0.2]]),
        (["ar", "en"], [[0.1, 0.2j], [0.1, 0.2]]),
        (["ar", "en"], [[1, 0], [0, 1]]),
        (["ar", "en"], [["a", "b"], ["c", "d"]]),
        (["ar", "en"], [0.1, 0.2]),
        (["ar", "en"], [[[0.1]], [[0.2]]]),
        (["ar", "en"], [[], []]),
        (["ar", "en"], [[0.1, 0.2]]),
        ([], np.empty((0, 2))),
        (["ar", "ar"], [[0.1, 0.2], [0.1, 0.2]]),
        ([1, 2], [[0.1, 0.2], [0.1, 0.2]]),
        ([["ar", "en"]], [[0.1, 0.2]]),
    ],
    ids=str,
)
def test_centroids_that_are_none_are_refused(languages: object, centroids: object, tmp_path: Path) -> None:
    write(calibrations.for_bundled(), {}, "0" * 12, tmp_path)
    path = tmp_path / f"{'0' * 12}.npz"
    np.savez(path, languages=np.array(languages), centroids=np.array(centroids))
    with pytest.raises(InputError, match=f"{path}: not a calibration: ") as error:
        load(tmp_path, "0" * 12)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("command", ["run", "explain"])
def test_a_calibration_for_vectors_of_other_dimensions_is_refused(
    command: str, model: Path, calibrated: Path, tmp_path: Path, cli: Cli
) -> None:
    folder = Path(shutil.copytree(calibrated, tmp_path / "out"))
    (path,) = folder.glob("*.npz")
    np.savez(path, languages=np.array(["en"]), centroids=np.array([[0.1, 0.2]]))
    texts = [str(save(tmp_path / f"{name}.jsonl", [{"text": f"{name} text of {name}."}])) for name in "ab"]
    code, out, err = cli(command, *texts, "--model", model, "--calibration", folder)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is for vectors of 2 dimensions, not of " in err


def test_spoilt_centroids_are_refused(calibrated: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(calibrated, tmp_path / "out"))
    (path,) = folder.glob("*.npz")
    digest = path.stem
    for data in (b"", b"rotten", path.read_bytes()[:-40]):
        path.write_bytes(data)
        with pytest.raises(InputError, match="not a calibration"):
            load(folder, digest)
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(InputError, match="not a calibration"):
        load(folder, digest)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        load(folder, digest)


def test_a_calibration_for_other_evidence_is_refused(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    shipped = calibrations.for_bundled()
    write(shipped, {}, encoder.digest, tmp_path)
    assert calibrations.given(str(tmp_path), encoder) is not None
    curves = {"a number of old": Curve((0.0, 1.0), (0.0, 1.0))}
    weights = {kind: Weights(0.0, curves) for kind in shipped.weights}
    write(replace(shipped, weights=weights), {}, encoder.digest, tmp_path)
    with pytest.raises(InputError, match="calibrate again"):
        calibrations.given(str(tmp_path), encoder)


# --- what is written


def test_the_shipped_files_are_what_is_written_of_them(tmp_path: Path) -> None:
    folder = files("dedup.calibration")
    names = [f"{WEIGHTS_SHA256[:12]}.{ending}" for ending in ("json", "npz")]
    provenance = json.loads((folder / names[0]).read_text())["provenance"]
    write(calibrations.for_bundled(), provenance, WEIGHTS_SHA256, tmp_path)
    assert contents(tmp_path) == {name: (folder / name).read_bytes() for name in names}


def test_the_digest_of_the_content_is_not_of_the_name() -> None:
    one = calibrations.for_bundled()
    assert content_digest(replace(one, name="another")) == content_digest(one)
    assert content_digest(replace(one, articles=one.articles + 1)) != content_digest(one)
    moved = {**one.centroids, "en": one.centroids["en"] * 2}
    assert content_digest(replace(one, centroids=moved)) != content_digest(one)


# --- what is read


def test_corpora_are_read_in_the_order_of_their_contents(tmp_path: Path) -> None:
    one, other = (save(tmp_path / name, ROWS[::step]) for name, step in (("a.jsonl", 1), ("b.jsonl", -1)))
    first, second = read_corpora([str(other), str(one)], FIELDS)
    assert (first.name, second.name) == ("a.jsonl", "b.jsonl")
    assert first.digest == second.digest
    assert [r.text for r in first.records] == [r.text for r in second.records]


def test_ids_need_not_be_unique(tmp_path: Path) -> None:
    """Many corpora number articles, not texts."""
    corpus = save(tmp_path / "c.jsonl", [{**row, "id": row["gold"]} for row in ROWS])
    assert len(read_corpora([str(corpus)], FIELDS)[0].records) == len(ROWS)


def test_about_sixty_per_cent_of_articles_are_fitted_to() -> None:
    assert [for_calibration(name) for name in "abcdef"] == [True, False, True, False, True, False]
    assert 5_800 < sum(for_calibration(str(number)) for number in range(10_000)) < 6_200


# --- what is computed


def prepared(rows: Iterable[Mapping[str, str]], encoder: HashingEncoder | None = None) -> Prepared:
    records = [Record(row["id"], row["text"], language=row["lang"], gold=row["gold"]) for row in rows]
    return understand(records, encoder or HashingEncoder())[0]


def test_centroids_follow_the_records_the_more_there_are() -> None:
    part = prepared(ROWS)
    few = prepared(row for row in ROWS if row["lang"] == "en" or row["gold"] == "article 3")
    mean = centroids_of([part], None)
    shrunk = centroids_of([few], None)
    of_english, of_german = ([np.linalg.norm(c[code]) for c in (mean, shrunk)] for code in ("en", "de"))
    assert of_english[1] == pytest.approx(of_english[0], rel=0.1)
    overall = np.mean([mean[code] for code in parallel.LANGUAGES], axis=0)
    assert of_german[0] > 0
    one_text = vectors_of(few, "de").mean(axis=0)
    assert np.linalg.norm(shrunk["de"] - one_text) > 0.2 * np.linalg.norm(overall - one_text)


def vectors_of(part: Prepared, language: str) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    distinct, vectors = part.encoded
    pairs = zip(part.fingerprints, part.languages, strict=True)
    wanted = [segment for f, code in pairs if code == language for segment in f.segments]
    return np.stack([vectors[distinct.index(segment)] for segment in wanted])


def test_languages_that_do_not_differ_share_a_centroid() -> None:
    """Drawn from one distribution, their means differ by chance alone."""
    rng = np.random.default_rng(1)
    part = prepared(ROWS)
    distinct, vectors = part.encoded
    alike = replace(part, encoded=(distinct, rng.normal(size=vectors.shape).astype(np.float32)))
    shrunk = centroids_of([alike], None)
    means = {code: vectors_of(alike, code).mean(axis=0) for code in parallel.LANGUAGES}
    before = np.linalg.norm(means["de"] - means["en"])
    assert np.linalg.norm(shrunk["de"] - shrunk["en"]) < before / 2


def test_centroids_that_are_known_of_the_model_stay_for_other_languages() -> None:
    known = replace(stages.calibration(), centroids={"xx": np.ones(256, np.float32)})
    found = centroids_of([prepared(ROWS)], known)
    assert list(found) == ["de", "en", "fr", "xx"]
    assert found["xx"].tolist() == [1.0] * 256


def test_length_norms_are_on_the_scale_of_the_shipped_ones() -> None:
    def row(gold: int, language: str, size: int) -> dict[str, str]:
        return {"id": f"{gold}{language}", "gold": str(gold), "lang": language, "text": "word " * size}

    rows = [row(n, code, size * n) for n in range(1, 31) for code, size in (("aa", 10), ("de", 20), ("fr", 40))]
    norms = length_norms_of([prepared(rows)], {"de": 0.5, "fr": 0.5 + np.log(2), "xx": 1.0})
    assert norms["xx"] == 1.0
    assert norms["de"] == pytest.approx(0.5, abs=0.02)
    assert norms["fr"] - norms["aa"] == pytest.approx(np.log(4), abs=0.02)


def test_a_language_of_few_articles_keeps_near_its_shipped_length() -> None:
    rows = [row for row in ROWS if row["lang"] != "fr" or row["gold"] == "article 1"]
    norms = length_norms_of([prepared(rows)], {"de": 0.0, "en": 0.0, "fr": 2.0})
    assert 1.6 < norms["fr"] < 1.8


def test_figures_of_the_corpus_add_to_the_shipped_counts() -> None:
    rows = [
        {"id": str(n), "gold": str(n), "lang": "en", "text": f"The figure {n % 2 + 41} stands here."} for n in range(8)
    ]
    start = stages.calibration({"41": 5, "7": 9})
    found = without_weights([prepared(rows)], start, None)
    assert found.figure_documents == {"41": 9, "42": 4, "7": 9}
    assert found.articles == start.articles + 8
    assert found.rarity("42") == pytest.approx(np.log(found.articles / 4))


# --- the fit


def samples(count: int, kind: str = OTHER_SCRIPT) -> list[Sample]:
    """Pairs of one article align, others do not."""
    rng = random.Random(1)  # noqa: S311
    made = []
    for number in range(count):
        same = number % 2 == 0
        measured = {name: rng.random() for name in TERMS if kind == SAME_LANGUAGE or name != "shingles"}
        measured["alignment"] = rng.uniform(0.4, 0.9) if same else rng.uniform(0.1, 0.6)
        made.append(Sample("c", kind, "translation" if same else "neighbour", same, measured))
    return made


@pytest.mark.parametrize("kind", [OTHER_SCRIPT, SAME_LANGUAGE])
def test_a_fit_with_a_strong_penalty_gives_the_weights_it_is_shrunk_to(kind: str) -> None:
    pairs, towards = samples(100, kind), calibrations.for_bundled().weights[kind]
    near = fit(pairs, towards, 1e6)
    assert [probability(s, near) for s in pairs] == pytest.approx([probability(s, towards) for s in pairs], abs=0.005)
    assert {name: curve.at for name, curve in near.curves.items()} == {n: c.at for n, c in towards.curves.items()}


def test_the_weaker_the_penalty_the_better_the_fit() -> None:
    pairs, towards = samples(200), calibrations.for_bundled().weights[OTHER_SCRIPT]

    def loss(penalty: float) -> float:
        weights = fit(pairs, towards, penalty)
        return -float(np.mean([np.log(abs(probability(s, weights) - (not s.same))) for s in pairs]))

    losses = [loss(penalty) for penalty in (10.0, 1.0, 0.1, 0.01, 0.001)]
    assert losses == sorted(losses, reverse=True)


def test_curves_stay_monotone_when_shrunk() -> None:
    pairs = samples(200)
    weights = fit([replace(s, same=not s.same) for s in pairs], calibrations.for_bundled().weights[OTHER_SCRIPT], 1e-4)
    for name, curve in weights.curves.items():
        steps = np.diff(curve.weight) * TERMS[name].sign
        assert steps.min() >= -0.0011  # rounded to 0.001


@given(st.lists(st.tuples(st.integers(-60, 60), st.booleans()), min_size=1, max_size=12))
def test_calibration_error_is_that_of_the_definition(pairs: list[tuple[int, bool]]) -> None:
    """Naeini, Cooper and Hauskrecht 2015, by hand: equal weights, as all are of one case and corpus."""
    odds = [(tenths / 10, same) for tenths, same in pairs]
    calibration = with_weights({OTHER_SCRIPT: Weights(0.0, {"odds": Curve((-9.0, 9.0), (-9.0, 9.0))})})
    made = [Sample("c", OTHER_SCRIPT, "neighbour", same, {"odds": value}) for value, same in odds]
    bins: dict[int, list[tuple[float, bool]]] = {}
    for value, same in odds:
        chance = float(1 / (1 + np.exp(-value)))
        bins.setdefault(int(chance * 10), []).append((chance, same))
    expected = sum(
        len(members) / len(pairs) * abs(np.mean([p for p, _ in members]) - np.mean([same for _, same in members]))
        for members in bins.values()
    )
    assert calibration_error(made, calibration) == pytest.approx(expected, abs=1e-9)


def with_weights(weights: Mapping[str, Weights]) -> Calibration:
    return replace(stages.calibration(), weights=weights)
