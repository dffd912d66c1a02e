"""Write the token table of the bundled model as a model of its own, to show what dedup calibrate does for another one.

    python scripts/static_model.py FOLDER
    dedup calibrate ../shared/data/xquad/corpus.jsonl.gz --model FOLDER -o CALIBRATION

The model is static: a text's vector is the mean of its tokens' rows, the mean row taken out. It needs no transformer,
and its similarities are not those that the shipped weights were fitted to.
"""

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer

from dedup.encoders.bundled import model_folder

TABLE = "embeddings.word_embeddings.weight"


def main() -> None:
    """Read the table, write the folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    source = model_folder()
    table = load_file(source / "model.safetensors")[TABLE].astype(np.float32)
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    embedding = StaticEmbedding(tokenizer, embedding_weights=table - table.mean(axis=0))
    SentenceTransformer(modules=[embedding, Normalize()], device="cpu").save(str(options.folder))


if __name__ == "__main__":
    main()
