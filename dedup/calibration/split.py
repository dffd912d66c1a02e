"""Which articles calibration may see, and which are kept for reporting."""

import hashlib

CALIBRATION_SHARE = 60
"""Per cent of the articles of a corpus that calibration may see; the others are for reporting only."""


def for_calibration(gold: str) -> bool:
    """Whether the article may be used for fitting: decided by its name alone, so that nothing can mix the halves."""
    return int.from_bytes(hashlib.sha256(gold.encode()).digest()[:4], "big") % 100 < CALIBRATION_SHARE
