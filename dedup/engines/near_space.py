"""The space of the index of neighbours, and the means of its tables, over parts (:mod:`dedup.neighbours`).

    subjects -sums-> sums by writing      -means->      the mean of each writing
                     a sample of vectors  -covariance-> the matrix that half whitens
    subjects -steps-> vectors in that space
                      those drawn for each table -trained-> the means of its cells

Sums are exact, so that neither parts nor their order change them. Whoever plans gets means and matrices, never vectors.
"""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.engines.columns import all_rows_from_bytes, numbers_of, rows_of_bytes, texts_of
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Given, Notes, Stage
from dedup.engines.subjects import SUBJECTS
from dedup.neighbours import space, tables
from dedup.neighbours.draw import Draw
from dedup.neighbours.space import Sums, covariance_of, matrix_of, means_of, sums_of, whitened
from dedup.neighbours.steps import whole_steps
from dedup.neighbours.tables import trained, training

SUMS: Final = "near-sums"
MEANS: Final = "near-means"
COVARIANCE: Final = "near-covariance"
STEPS: Final = "near-steps"
TRAINED: Final = "near-trained"

BY_WRITING: Final = "by-writing"
SAMPLE: Final = "sample"
TRAINING: Final = "training"

SAMPLE_PARTS: Final = 16
"""Parts in which the covariance of the sample, 131,072 vectors at most, is computed: its matrices reach one process."""


def in_space(run: Run, shape: Given, parts: int) -> None:
    """Do the stages of the space. ``shape`` says how many works there are (``total``), in what parts (``span``,
    ``parts``), and the writings, ascending.
    """
    total = int(shape["total"])
    by_writing, sampled = min(parts, len(shape["writings"])), min(parts, SAMPLE_PARTS)
    drawn = {"last": np.array(space.sample(total).last, np.uint64)}
    buckets = {"by_writing": np.array(by_writing), "sampled": np.array(sampled)}
    run.stage(SUMMING, parts, {**shape, **drawn, **buckets})
    run.stage(AVERAGING, by_writing)
    means = _means(run, by_writing)
    run.stage(VARYING, sampled, {"means": means})
    covariance = sum(all_rows_from_bytes(run.table(COVARIANCE, part), "row", np.float64) for part in range(sampled))
    matrix = matrix_of(np.asarray(covariance), min(total, space.SAMPLE))
    lasts = np.array([training(total, table).last for table in range(tables.TABLES)], np.uint64)
    run.stage(STEPPING, parts, {**shape, "means": means, "matrix": matrix, "lasts": lasts})
    run.stage(TRAINING_ALL, tables.TABLES, {"total": shape["total"], "lasts": lasts})


def _means(run: Run, parts: int) -> NDArray[np.float64]:
    made = [run.table(MEANS, part) for part in range(parts)]
    codes = np.concatenate([numbers_of(table, "code") for table in made])
    means = np.concatenate([all_rows_from_bytes(table, "mean", np.float64) for table in made])
    return means[np.argsort(codes)]


def codes_of(table: "pa.Table", writings: NDArray[np.generic]) -> NDArray[np.int64]:
    """The place of each work's writing among the run's."""
    codes: NDArray[np.int64] = np.searchsorted(writings, np.array(texts_of(table, "writing"), np.str_))
    return codes


def sums_part(desk: Desk) -> Notes:
    """The sums of this part, sent to where those of the same writing are added; and who is of the sample."""
    given = desk.given()
    table = desk.table(SUBJECTS, desk.part, ["work", "writing", "document"])
    works, codes = numbers_of(table, "work"), codes_of(table, given["writings"])
    steps = whole_steps(all_rows_from_bytes(table, "document", np.float32)).astype(np.int16)
    there, places = np.unique(codes, return_inverse=True)
    sums = sums_of(steps, places, len(there))
    rows = pa.table({"code": there, "articles": sums.counts, "sum": rows_of_bytes(sums.vectors)})
    count = int(given["by_writing"])
    desk.scatter(BY_WRITING, rows, there % count, count)
    drawn = Draw(int(given["total"]), 0, int(given["last"])).holds(works)
    rows = pa.table({"code": codes[drawn], "steps": rows_of_bytes(steps[drawn])})
    count = int(given["sampled"])
    desk.scatter(SAMPLE, rows, works[drawn] % count, count)
    return {}


def means_part(desk: Desk) -> Notes:
    """The means of some writings."""
    table = desk.gather(SUMS, BY_WRITING)
    codes, places = np.unique(numbers_of(table, "code"), return_inverse=True)
    rows = all_rows_from_bytes(table, "sum", np.float64)
    vectors, counts = np.zeros((len(codes), rows.shape[1])), np.zeros(len(codes), np.int64)
    np.add.at(vectors, places, rows)
    np.add.at(counts, places, numbers_of(table, "articles"))
    desk.write(pa.table({"code": codes, "mean": rows_of_bytes(means_of(Sums(vectors, counts)))}))
    return {}


def covariance_part(desk: Desk) -> Notes:
    """The sum of the outer products of some of the sample."""
    table = desk.gather(SUMS, SAMPLE)
    steps = all_rows_from_bytes(table, "steps", np.int16)
    covariance = covariance_of(steps, numbers_of(table, "code"), desk.given()["means"])
    desk.write(pa.table({"row": rows_of_bytes(covariance)}))
    return {}


def steps_part(desk: Desk) -> Notes:
    """The vectors of this part in the space of the index; those drawn for a table are sent to where it is trained."""
    given = desk.given()
    table = desk.table(SUBJECTS, desk.part, ["work", "writing", "document"])
    works, codes = numbers_of(table, "work"), codes_of(table, given["writings"])
    documents = all_rows_from_bytes(table, "document", np.float32)
    steps = whitened(documents, codes, given["means"], given["matrix"])
    desk.write(pa.table({"work": works, "code": codes.astype(np.int32), "steps": rows_of_bytes(steps)}))
    lasts = given["lasts"].tolist()
    drawn = np.array([_training(int(given["total"]), of, last).holds(works) for of, last in enumerate(lasts)])
    table_drawn, rows = np.nonzero(drawn)
    desk.scatter(
        TRAINING, pa.table({"work": works[rows], "steps": rows_of_bytes(steps[rows])}), table_drawn, len(lasts)
    )
    return {}


def trained_part(desk: Desk) -> Notes:
    """The means of the cells of one table."""
    given = desk.given()
    table = desk.gather(STEPS, TRAINING)
    total = int(given["total"])
    draw = _training(total, desk.part, int(given["lasts"][desk.part]))
    order = np.argsort(draw.hashes(numbers_of(table, "work")))
    means = trained(all_rows_from_bytes(table, "steps", np.int16)[order], total)
    desk.write(pa.table({"mean": rows_of_bytes(means)}))
    return {}


def _training(total: int, table: int, last: int) -> Draw:
    """:func:`dedup.neighbours.tables.training`, when its last hash is known."""
    return Draw(total, table + 1, last)


SUMMING: Final = Stage(SUMS, sums_part, after=(SUBJECTS,), light=True)
AVERAGING: Final = Stage(MEANS, means_part, after=(SUMS,), light=True)
VARYING: Final = Stage(COVARIANCE, covariance_part, after=(SUMS,), light=True)
STEPPING: Final = Stage(STEPS, steps_part, after=(SUBJECTS,))
TRAINING_ALL: Final = Stage(TRAINED, trained_part, after=(STEPS,))

SPACE: Final = (SUMMING, AVERAGING, VARYING, STEPPING, TRAINING_ALL)
