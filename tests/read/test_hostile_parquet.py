"""A Parquet file may bring a pickle as the type of a column: Arrow knew such types once, and nothing unpickles it."""

import base64
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dedup import Record
from dedup.apply.tables import table_of
from dedup.read import read_records

arrow: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")


class Payload:
    """What touches a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


@pytest.mark.filterwarnings("ignore:pyarrow.PyExtensionType:RuntimeWarning")  # so it says that it does not
def test_type_that_is_a_pickle_is_not_unpickled(tmp_path: Path) -> None:
    trace, path = tmp_path / "pwned", tmp_path / "t.parquet"
    type_ = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Payload(trace)),
    }
    schema = arrow.schema([arrow.field("id", arrow.string()), arrow.field("text", arrow.string(), metadata=type_)])
    parquet.write_table(arrow.table({"id": ["a", "b"], "text": ["one text", "two texts"]}, schema=schema), path)
    written = base64.b64decode(parquet.read_metadata(path).metadata[b"ARROW:schema"])
    assert pickle.dumps(Payload(trace)) in written
    found = list(read_records([path]))
    assert [item.text for item in found if isinstance(item, Record)] == ["one text", "two texts"]
    table = table_of("t.parquet")
    assert table is not None
    with path.open("rb") as stream, (tmp_path / "o.parquet").open("wb") as out:
        table.copy(stream, out, {1})
    assert not trace.exists()
