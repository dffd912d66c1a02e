"""A small parallel corpus in three made-up tongues, and a model that knows which of their words mean the same."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

LANGUAGES = ("de", "en", "fr")
MEANINGS = 240
DIMENSIONS = 64
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def word(meaning: int, language: str) -> str:
    digest = hashlib.sha256(f"{language} {meaning}".encode()).digest()
    return "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[:4])


def rows(articles: int, languages: tuple[str, ...] = LANGUAGES) -> list[dict[str, str]]:
    """Articles of five topics, each in all languages; a translation renders one word in ten by another one."""
    made = []
    for number in range(articles):
        rng = random.Random(number)  # noqa: S311
        about = range(40 * (number % 5), 40 * (number % 5) + 40)  # topics; the other words are of all articles
        common = range(200, MEANINGS)
        sentences = [[*rng.choices(about, k=8), *rng.choices(common, k=4)] for _ in range(rng.randint(4, 7))]
        for language in languages:
            text = ". ".join(" ".join(_rendered(sentence, language, rng)) for sentence in sentences)
            made.append(
                {"id": f"{number}-{language}", "lang": language, "gold": f"article {number}", "text": f"{text}."}
            )
    return made


def _rendered(sentence: list[int], language: str, rng: random.Random) -> Iterator[str]:
    for meaning in sentence:
        yield word(rng.randrange(MEANINGS) if rng.random() < 0.1 else meaning, language).capitalize()
    if rng.random() < 0.5:  # a figure of all languages, but not of all versions
        yield str(1_000 + sentence[0] * sentence[1] % 9_000)


def save_model(folder: Path, seed: int = 1) -> None:
    """A static sentence-transformers model: words of one meaning share a vector, but for what is of their language."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = ["?", *(word(meaning, language) for language in LANGUAGES for meaning in range(MEANINGS))]
    tokenizer = Tokenizer(models.WordLevel({text: i for i, text in enumerate(dict.fromkeys(words))}, "?"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    rng = np.random.default_rng(seed)
    of_meanings = rng.normal(size=(MEANINGS, DIMENSIONS))
    of_languages = 3 * rng.normal(size=(len(LANGUAGES), 1, DIMENSIONS))
    vectors = (of_meanings + of_languages).reshape(-1, DIMENSIONS)
    weights = np.concatenate([np.zeros((1, DIMENSIONS)), vectors]).astype(np.float32)
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu").save(str(folder))
