"""What the tests of an index start from: records that share much."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from dedup import Record, Settings
from dedup.encoders import HashingEncoder
from dedup.index import add_records, build_index
from dedup.index.write import Change

from .. import stages

ENCODER = HashingEncoder(dimensions=stages.DIMENSIONS)
CALIBRATION = replace(stages.calibration(), centroids={"de": np.full(stages.DIMENSIONS, 0.01, np.float32)})
"""The vectors of a text depend on its language."""
SETTINGS = Settings(max_segments=4)
"""Few segments, so that some lie beyond."""

COOKIES = "We use cookies to make this site work and to learn how you use it, as our notice says at length."
ABOUT = "The Valley Herald has brought you the news of the four villages every morning since the year 1897."
PAGE = "https://example.org/news/a-page-of-its-own-4711.html"

ARTICLES = (
    "The commune has only 96 of its 113 staff left after the great reform of July.\n"
    "In that month alone it received 402 new files, and it has solved 317 of them since.",
    "Bees live in hives and make honey from the nectar of flowers all summer long.\n"
    "A large hive of 20000 bees needs 15 kilos of honey to come through the winter.",
    "The new bridge over the river is to be opened for traffic in the spring of 2031.\n"
    "It is 412 metres long and has cost the district 87 million crowns up to now.",
    "A storm tore the roof off the primary school in the middle of Sunday night.\n"
    "Nobody was hurt, but all 640 pupils have to stay at home until next Monday.",
    "The choir of the old town will sing in the cathedral on the last day of May.\n"
    "Tickets for the 38 singers and their organ cost 12 crowns at the north gate.",
    "Potatoes have become a good deal dearer since the dry summer in the lowlands.\n"
    "A kilo costs 3 crowns by now, and farmers expect to dig out 40 % less of them.",
)


def record(id_: str, article: int, furniture: str = "", language: str = "en", *, upper: bool = False) -> Record:
    """A record of an article in a page; ``upper`` is the same text in another layout."""
    text = ARTICLES[article].upper().replace("\n", " \n\n ") if upper else ARTICLES[article]
    return Record(id_, f"{text}\n{furniture}".strip(), language=language, path=f"texts/{id_}.txt")


def build(folder: Path, records: Iterable[Record], settings: Settings = SETTINGS) -> Change:
    return build_index(folder, records, settings, encoder=ENCODER, calibration=CALIBRATION)


def add(folder: Path, records: Iterable[Record]) -> Change:
    return add_records(folder, records, encoder=ENCODER, calibration=CALIBRATION)
