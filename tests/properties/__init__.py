"""What holds of any input at all, each stated once.

A *property* takes whatever bytes and raises :class:`AssertionError` where the program breaks what is promised; any
other exception is a break of it, too. ``tests/test_properties.py`` tries them with hypothesis, ``scripts/fuzz.py`` with
bytes that reach new parts of the program. ``targets.py`` lists them, ``found/`` holds what once broke one.

    reading.py   every reader, plain and packed
    texts.py     normalising, figures, segments, names, languages, shingles; the whole of a sketch
    pages.py     the source line and furniture; keys of URLs
    reports.py   every form of the report and of the check
"""
