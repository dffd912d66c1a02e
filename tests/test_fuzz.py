"""What the script for fuzzing takes for a finding. It needs atheris only to make the inputs."""

import fuzz
import pytest


class PanicError(BaseException):
    """Like what a library in Rust raises where it panics."""


@pytest.mark.parametrize("error", [AssertionError, ValueError, RecursionError, PanicError])
def test_whatever_is_raised_is_a_finding_and_one_a_place(error: type[BaseException]) -> None:
    def check(data: bytes) -> None:
        if data:
            raise error(data.hex())

    assert fuzz.fault_of(check, b"") is None
    one, other = fuzz.fault_of(check, b"a"), fuzz.fault_of(check, b"b")
    assert one is not None
    assert other is not None
    assert one[0] == other[0]
    assert one[0].startswith(error.__name__)
    assert "61" in one[1]


def test_who_wants_it_to_end_is_heard() -> None:
    def check(_data: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fuzz.fault_of(check, b"")


@pytest.mark.parametrize(("size", "is_slow"), [(1, True), (4 * fuzz.SLOW_BYTES, False)])
def test_what_takes_long_for_its_size_twice_is_a_finding(
    size: int, is_slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def check(_data: bytes) -> None:
        nonlocal now
        now += 2 * fuzz.SLOW

    monkeypatch.setattr("fuzz.time.process_time", lambda: now)
    fault = fuzz.fault_of(check, b"x" * size)
    assert (fault is not None) == is_slow
    assert fault is None or fault[1] == "2.0 s for 1 bytes"


def test_what_takes_long_the_first_time_only_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([9.0, 0.1])
    now = 0.0

    def check(_data: bytes) -> None:
        nonlocal now
        now += next(taken)

    monkeypatch.setattr("fuzz.time.process_time", lambda: now)
    assert fuzz.fault_of(check, b"x") is None
