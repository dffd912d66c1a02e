"""A calibration on disk: what :func:`dedup.calibration.load` reads again."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dedup.calibration import Calibration


def write(calibration: Calibration, provenance: Mapping[str, object], digest: str, folder: Path) -> None:
    """The two files of a calibration, with its provenance, named by the first 12 digits of the model's digest."""
    content = {
        "name": calibration.name,
        "provenance": provenance,
        "articles": calibration.articles,
        "partner_similarity": calibration.partner_similarity,
        "whole_coverage": calibration.whole_coverage,
        "source_url_weight": calibration.source_url_weight,
        "weights": {kind: asdict(weights) for kind, weights in calibration.weights.items()},
        "length_norms": calibration.length_norms,
        "figure_shapes": calibration.figure_shapes,
        "figure_documents": calibration.figure_documents,
    }
    (folder / f"{digest[:12]}.json").write_text(
        json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    codes = sorted(calibration.centroids)
    stacked = np.stack([calibration.centroids[code] for code in codes]).astype(np.float16)
    np.savez_compressed(folder / f"{digest[:12]}.npz", languages=np.array(codes), centroids=stacked)
