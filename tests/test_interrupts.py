"""What a signal does wherever it comes, in a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, signal, sys, time
from dedup.interrupts import postponed, raised_once

number = int(sys.argv[1])

def send():
    os.kill(os.getpid(), number)

class Dying:
    def __del__(self):
        send()

{body}
"""
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def told(body: str, number: int) -> tuple[str, str]:
    """What a script writes on standard output and standard error; a signal that is sent has this number."""
    call = [sys.executable, "-c", SCRIPT.format(body=body), str(number)]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=60, cwd=Path(__file__).parents[1])
    return done.stdout, done.stderr


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_in_a_finaliser_ends_the_program_all_the_same_and_prints_nothing(number: int) -> None:
    body = """
dying = Dying()
try:
    with raised_once():
        del dying
        time.sleep(30)
        print("went on")
except KeyboardInterrupt as error:
    print("ended by", getattr(error, "number", int(signal.SIGINT)))
"""
    assert told(body, number) == (f"ended by {int(number)}\n", "")


@pytest.mark.parametrize("number", ENDING)
def test_a_second_signal_does_not_break_off_the_tidying_up(number: int) -> None:
    body = """
try:
    with raised_once():
        try:
            send()
        finally:
            send()
            print("tidied up")
except KeyboardInterrupt:
    print("ended")
"""
    assert told(body, number) == ("tidied up\nended\n", "")


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_after_some_seconds_of_tidying_up_ends_the_process_where_it_is(number: int) -> None:
    body = """
import dedup.interrupts
dedup.interrupts.PATIENCE = 0.2
try:
    with raised_once():
        try:
            send()
        finally:
            send()
            print("hangs", flush=True)
            time.sleep(0.3)
            send()
            print("tidied up")
except KeyboardInterrupt:
    print("ended")
"""
    assert told(body, number) == ("hangs\n", "")


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_that_the_program_was_started_to_ignore_stays_ignored(number: int) -> None:
    body = """
signal.signal(number, signal.SIG_IGN)
with raised_once():
    send()
    with postponed():
        send()
print("done", signal.getsignal(number) is signal.SIG_IGN)
"""
    assert told(body, number) == ("done True\n", "")


@pytest.mark.parametrize("number", ENDING)
def test_a_postponed_signal_is_there_at_the_end_of_the_block(number: int) -> None:
    body = """
try:
    with raised_once(), postponed():
        send()
        print("not broken off")
except KeyboardInterrupt:
    print("ended")
"""
    assert told(body, number) == ("not broken off\nended\n", "")


@pytest.mark.parametrize("number", ENDING)
def test_a_postponed_signal_is_not_lost_where_the_block_raises_something_else(number: int) -> None:
    body = """
import threading
threading.Thread(target=time.sleep, args=(1,), daemon=True).start()  # the signal may reach it
try:
    with raised_once(), postponed():
        send()
        time.sleep(0.1)
        raise ValueError("a worker was ended")
except KeyboardInterrupt:
    print("ended")
except ValueError:
    print("lost")
"""
    assert told(body, number) == ("ended\n", "")


@pytest.mark.parametrize("number", ENDING)
def test_a_process_that_is_started_while_signals_are_postponed_is_not_ended_by_them_until_it_settles(
    number: int,
) -> None:
    body = """
import subprocess
child = "import os, signal, sys; from dedup.interrupts import settle; os.kill(os.getpid(), int(sys.argv[1])); "
child += "print('starting', flush=True); settle(); print('settled')"
with postponed():
    started = subprocess.Popen([sys.executable, "-c", child, str(number)], stdout=subprocess.PIPE, text=True)
print(started.communicate()[0].split(), started.returncode)
"""
    ends = number == signal.SIGTERM
    expected = f"{['starting'] if ends else ['starting', 'settled']} {-number if ends else 0}\n"
    assert told(body, number) == (expected, "")


def test_ctrl_c_while_the_program_is_imported_prints_no_traceback() -> None:
    script = """
import os, signal, sys, time
from dedup.__main__ import main

class Finder:
    def find_spec(self, name, *_):
        if name == "dedup.cli":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(30)

sys.meta_path.insert(0, Finder())
main()
"""
    call = [sys.executable, "-c", script]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=60, cwd=Path(__file__).parents[1])
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_other_faults_of_finalisers_are_told_as_python_tells_them() -> None:
    body = """
class Broken:
    def __del__(self):
        raise ValueError("of a finaliser")

with raised_once():
    Broken()
print("done")
"""
    output, complaint = told(body, signal.SIGINT)
    assert output == "done\n"
    assert "ValueError: of a finaliser" in complaint


def test_what_was_done_about_signals_before_is_done_again_afterwards() -> None:
    body = """
numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM]
before = list(map(signal.getsignal, numbers)), sys.unraisablehook
with raised_once():
    assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    with postponed():
        pass
print(before == (list(map(signal.getsignal, numbers)), sys.unraisablehook))
"""
    assert told(body, signal.SIGINT) == ("True\n", "")
