"""A calibration on disk: what :func:`dedup.calibration.load` reads again."""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from dedup.calibration import Calibration
from dedup.errors import InputError
from dedup.files import write_atomically


def today() -> date:
    """The day, in UTC, that a calibration is dated with: that of ``SOURCE_DATE_EPOCH`` (seconds since 1970, see
    reproducible-builds.org) where it is set. Raises :class:`InputError` where that is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return datetime.now(UTC).date()
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"SOURCE_DATE_EPOCH is {epoch!r}, not a number of seconds") from error


def write(calibration: Calibration, provenance: Mapping[str, object], digest: str, folder: Path) -> None:
    """The two files of a calibration, with its provenance, named by the first 12 digits of the model's digest.

    Raises :class:`InputError` where they cannot be written.
    """
    content = {"name": calibration.name, "provenance": provenance, **_numbers(calibration)}
    data = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    # A calibration is there where its .json is, so that comes last.
    write_atomically(folder / f"{digest[:12]}.npz", _centroids(calibration))
    write_atomically(folder / f"{digest[:12]}.json", data.encode())


def content_digest(calibration: Calibration) -> str:
    """SHA-256 of all that a calibration says, its name apart."""
    numbers = json.dumps(_numbers(calibration), sort_keys=True).encode()
    return hashlib.sha256(numbers + _centroids(calibration)).hexdigest()


def _numbers(calibration: Calibration) -> dict[str, object]:
    return {
        "articles": calibration.articles,
        "partner_similarity": calibration.partner_similarity,
        "source_url_weight": calibration.source_url_weight,
        "weights": {kind: asdict(weights) for kind, weights in calibration.weights.items()},
        "levels": {sort: asdict(level) for sort, level in calibration.levels.items()},
        "length_norms": calibration.length_norms,
        "figure_shapes": calibration.figure_shapes,
        "figure_documents": calibration.figure_documents,
    }


def _centroids(calibration: Calibration) -> bytes:
    """The centroids as an .npz archive of 16-bit floats."""
    codes = sorted(calibration.centroids)
    stacked = np.stack([calibration.centroids[code] for code in codes]).astype(np.float16)
    archive = io.BytesIO()
    np.savez_compressed(archive, languages=np.array(codes), centroids=stacked)
    return archive.getvalue()
