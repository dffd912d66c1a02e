from hashlib import sha256
from itertools import permutations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dedup.model import Record, Skipped
from dedup.read.unique import unique_records

ITEMS: list[Record | Skipped] = [
    Record("b", "Another text.", path="t.jsonl", line=1),
    Record("a", "A text.", path="t.jsonl", line=2),
    Record("a", "A text.", path="s.jsonl", line=9),
    Record("a", "A text.", path="s.jsonl", line=3),
    Skipped("t.jsonl", 1, "empty text"),
]


def test_one_record_an_id_stays_whatever_the_order() -> None:
    expected = (
        [ITEMS[3], ITEMS[0]],
        [
            Skipped("s.jsonl", 9, 'duplicate id "a" (kept: s.jsonl:3)'),
            Skipped("t.jsonl", 1, "empty text"),
            Skipped("t.jsonl", 2, 'duplicate id "a" (kept: s.jsonl:3)'),
        ],
    )
    assert all(unique_records(order) == expected for order in permutations(ITEMS))


def test_what_the_text_says_decides_before_its_place() -> None:
    first, second = sorted(["One text.", "Other text."], key=lambda text: sha256(text.encode()).digest())
    kept, [skipped] = unique_records([Record("a", second, path="1.txt"), Record("a", first, path="2.txt")])
    assert [record.text for record in kept] == [first]
    assert skipped == Skipped("1.txt", None, 'duplicate id "a" (kept: 2.txt)')


def test_records_made_in_memory_and_odd_ids_are_named_in_one_line() -> None:
    record = Record('a\n"b', "Lone \ud800.")
    kept, skipped = unique_records([record, record])
    assert kept == [record]
    assert skipped == [Skipped("<memory>", None, r'duplicate id "a\n\"b" (kept: <memory>)')]


records = st.builds(
    Record,
    id=st.sampled_from("ab"),
    text=st.sampled_from(["x", "y"]),
    path=st.sampled_from(["p", None, ""]),
    line=st.sampled_from([None, 1]),
    url=st.sampled_from([None, "u"]),
)


@given(st.lists(records, max_size=6), st.randoms())
def test_records_that_differ_in_anything_come_out_the_same_in_any_order(items: list[Record], random: Random) -> None:
    shuffled = random.sample(items, len(items))
    assert unique_records(shuffled) == unique_records(items)
