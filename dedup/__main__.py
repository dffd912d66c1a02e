"""The program: ``dedup``, and ``python -m dedup``."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run it. Ctrl-C while it is imported ends it as the system has it, without Python's traceback; from then on
    :mod:`dedup.interrupts` says what it does.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # unless whoever starts it lets it ignore that
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from dedup.cli import main as program

    program()


if __name__ == "__main__":
    main()
