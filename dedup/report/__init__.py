"""The outcome of a run in the forms that people and programs read.

    Report  --document-->  Document  --json_file-->  report.json      (its shape: schema.json, from schema)
                                     --terminal-->   the summary that people read
    Explanation  --explanation-->    one pair in text or JSON
    Checked  --gate-->  what a check found, in text and four forms for programs

What people read is worded in :mod:`dedup.report.wording` and printed by :mod:`dedup.report.console`, which lets no
record command the terminal.
:mod:`dedup.report.document` alone turns positions into ids and rounds numbers, so that every form says the same.
"""
