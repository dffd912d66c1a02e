"""Subjects: what is compared of each work, as rows of tables, and back.

A row holds all that a comparison looks at and no text: the part of a fingerprint that counts without boilerplate, and
the vectors of its segments. Rows of many parts come together where pairs are judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from dedup.boilerplate import discount
from dedup.embed import embed_all
from dedup.engines.columns import BYTES, numbers_of, rows_of_bytes, texts, texts_of
from dedup.engines.stage import Desk, Notes, Stage
from dedup.engines.works import TEXTS
from dedup.evidence import Subject
from dedup.index.sketches import unpacked
from dedup.model import Embedding, Fingerprint
from dedup.names import Names

SUBJECTS: Final = "subjects"

COMPARED: Final = ("work", "language", "keys", "signature", "widths", "document", "steps", "norms", "rest")
"""The columns that a subject is made of."""

SETTINGS: Final = ("model", "confirm", "calibration")


class _Rest(msgspec.Struct, array_like=True):
    """Of a fingerprint what is compared and is no column by itself."""

    digest: str
    figures: tuple[tuple[str, ...], ...]
    width: float
    script: str
    stated: tuple[str, ...]
    capitals: tuple[str, ...]
    numbers: tuple[str, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Rest)


def subjects_part(desk: Desk) -> Notes:
    """The works of one part without their boilerplate, as the model that sees all of them does."""
    part = desk.part
    table = desk.table(TEXTS, part)
    prints = [unpacked(data) for data in table["print"].to_pylist()]
    boilerplate = frozenset(desk.given()["boilerplate"].tolist())
    languages = texts_of(table, "language")
    weighed = discount(prints, boilerplate, desk.settings)
    embeddings = embed_all(weighed, languages, desk.models.first, desk.calibration)
    subjects = [Subject(*parts) for parts in zip(languages, weighed, embeddings, strict=True)]
    desk.write(table_of(numbers_of(table, "work").tolist(), table["keys"], subjects))
    writings: dict[str, int] = {}
    for subject in subjects:
        writings[subject.writing] = writings.get(subject.writing, 0) + 1
    return {"writings": writings, "segments": sum(len(s.embedding.norms) for s in subjects)}


def table_of(works: Sequence[int], keys: "pa.ChunkedArray", subjects: Sequence[Subject]) -> "pa.Table":
    """Works as rows."""
    prints = [s.fingerprint for s in subjects]
    seen = [s.embedding for s in subjects]
    return pa.table(
        {
            "work": pa.array(works, pa.int64()),
            "language": texts(s.language for s in subjects),
            "writing": texts(s.writing for s in subjects),
            "keys": keys,
            "signature": _rows([f.signature.astype("<u4") for f in prints]),
            "numbers": pa.array([[n.encode() for n in f.numbers] for f in prints], pa.large_list(BYTES)),
            "widths": pa.array([f.widths.astype("<f4").tobytes() for f in prints], BYTES),
            "document": _rows([e.document.astype("<f4") for e in seen]),
            "steps": pa.array([e.steps.tobytes() for e in seen], BYTES),
            "norms": pa.array([e.norms.astype("<f4").tobytes() for e in seen], BYTES),
            "rest": pa.array([_encoder.encode(_rest_of(f)) for f in prints], BYTES),
        }
    )


def _rows(arrays: Sequence[np.ndarray]) -> "pa.Array":
    return rows_of_bytes(np.stack(arrays)) if arrays else pa.array([], pa.binary(0))


def _rest_of(f: Fingerprint) -> _Rest:
    return _Rest(
        digest=f.digest,
        figures=f.figures,
        width=f.width,
        script=f.script,
        stated=f.names.stated,
        capitals=tuple(sorted(f.names.capitals)),
        numbers=f.numbers,
    )


class Subjects(Mapping[int, Subject]):
    """The works in the rows of some tables, each made when it is first looked at. Their fingerprints hold no texts."""

    def __init__(self, tables: Sequence["pa.Table"], beside: "Subjects | None" = None) -> None:
        """``beside`` are further works."""
        table = pa.concat_tables([table.select(list(COMPARED)) for table in tables])
        self._columns = [table[name] for name in COMPARED]
        self._row = {work: row for row, work in enumerate(table["work"].to_pylist())}
        self._made: dict[int, Subject] = {}
        self._beside: Subjects | dict[int, Subject] = {} if beside is None else beside

    def __getitem__(self, work: int) -> Subject:
        if work in self._beside:
            return self._beside[work]
        if work not in self._made:
            row = self._row[work]
            self._made[work] = _subject_of(*(column[row].as_py() for column in self._columns[1:]))
        return self._made[work]

    def __contains__(self, work: object) -> bool:
        return work in self._row or work in self._beside

    def __iter__(self) -> Iterator[int]:
        yield from self._beside
        yield from self._row

    def __len__(self) -> int:
        return len(self._row) + len(self._beside)

    def keys_of(self, work: int) -> frozenset[str]:
        """The pages that a work's records cite."""
        if isinstance(self._beside, Subjects) and work in self._beside:
            return self._beside.keys_of(work)
        return frozenset(key.decode("utf-8", "surrogatepass") for key in self._columns[2][self._row[work]].as_py())


def _subject_of(
    language: bytes, _keys: list[bytes], signature: bytes, widths: bytes, document: bytes, steps: bytes, norms: bytes,
    rest: bytes,
) -> Subject:  # fmt: skip
    kept = _decoder.decode(rest)
    lengths = np.frombuffer(norms, "<f4").astype(np.float32)
    return Subject(
        language.decode("utf-8", "surrogatepass"),
        Fingerprint(
            digest=kept.digest,
            signature=np.frombuffer(signature, "<u4").astype(np.uint32),
            numbers=kept.numbers,
            segments=(),
            passages=np.empty(0, np.uint64),
            widths=np.frombuffer(widths, "<f4").astype(np.float32),
            figures=kept.figures,
            beyond=(),
            width=kept.width,
            script=kept.script,
            names=Names(kept.stated, frozenset(kept.capitals)),
        ),
        Embedding(
            np.frombuffer(steps, np.int8).reshape(len(lengths), -1),
            lengths,
            np.frombuffer(document, "<f4").astype(np.float32),
        ),
    )


SUBJECTING: Final = Stage(SUBJECTS, subjects_part, after=(TEXTS,), settings=SETTINGS, encodes=True)
