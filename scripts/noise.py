"""What happens to texts on their way through pages, scrapers and converters."""

import random
import unicodedata
from collections.abc import Callable

ABOVE = (
    "Home | News | Business | Sport | Opinion | Weather",
    "Startseite › Nachrichten › Ausland",
    "Accueil > Actualités > Monde",
    "Share on Facebook  Twitter  WhatsApp  E-mail",
    "Published 12:45, updated 3 hours ago · 4 min read",
    "Главная / Новости / В мире",
    "الرئيسية | أخبار | اقتصاد | رياضة",
    "首页 > 新闻 > 正文",
    "Trang chủ › Tin tức › Thời sự",
    "होम | समाचार | खेल | व्यापार",
)
BELOW = (
    "Read more:",
    "Tags: news, world, today",
    "Comments (12)",
    "Sign up for our newsletter and never miss a story.",
    "© 2024 Example Media. All rights reserved.",
    "Mehr zum Thema",
    "Lire aussi :",
    "Подписывайтесь на наш канал",
    "اقرأ أيضا:",
    "责任编辑：小王",
    "Chia sẻ bài viết",
    "यह भी पढ़ें",
    "Kommentare (3)",
    "Next article ›",
)
"""Furniture of made-up pages, written for this; it is in whatever language the page is in, as often happens."""


def noisy(text: str, rng: random.Random) -> str:
    """The text with some of what follows, each drawn."""
    steps: list[tuple[float, Callable[[str, random.Random], str]]] = [
        (0.5, lines_lost_and_doubled),
        (0.7, typing_errors),
        (0.25, lambda text, _rng: text.lower()),
        (0.25, without_punctuation),
        (0.25, wrong_encoding),
        (0.5, furniture),
    ]
    for chance, step in steps:
        if rng.random() < chance:
            text = step(text, rng)
    return text


def lines_lost_and_doubled(text: str, rng: random.Random) -> str:
    """One line in ten lost, one in twenty doubled; never all lost."""
    kept: list[str] = []
    for line in text.split("\n"):
        fate = rng.random()
        kept += [] if fate < 0.1 else [line, line] if fate < 0.15 else [line]
    return "\n".join(kept) if any(map(str.strip, kept)) else text


TYPING_ERRORS = 0.015
"""Share of the letters: about one word in twelve."""


def typing_errors(text: str, rng: random.Random) -> str:
    """Letters left out, doubled, exchanged with the next one, or another letter of the text in their place."""
    letters = [c for c in text if c.isalpha()]
    out: list[str] = []
    characters = iter(text)
    for c in characters:
        if not c.isalpha() or rng.random() >= TYPING_ERRORS:
            out.append(c)
            continue
        error = rng.choice(("left out", "doubled", "exchanged", "another"))
        if error == "doubled":
            out += [c, c]
        elif error == "exchanged":
            out += [next(characters, ""), c]
        elif error == "another":
            out.append(rng.choice(letters))
    return "".join(out)


def without_punctuation(text: str, _rng: random.Random) -> str:
    """All punctuation lost but between digits."""
    kept = []
    for place, c in enumerate(text):
        inside = text[place - 1 : place].isdigit() and text[place + 1 : place + 2].isdigit()
        if inside or not unicodedata.category(c).startswith("P"):
            kept.append(c)
    return "".join(kept)


WRONGLY_ENCODED = 0.01
"""Share of the characters outside ASCII."""


def wrong_encoding(text: str, rng: random.Random) -> str:
    """Characters outside ASCII as their UTF-8 bytes look in Windows-1252."""
    return "".join(
        c.encode().decode("cp1252", "replace") if not c.isascii() and rng.random() < WRONGLY_ENCODED else c
        for c in text
    )


def furniture(text: str, rng: random.Random) -> str:
    """One to three lines of a page above the text, and one to four below."""
    above, below = rng.sample(ABOVE, rng.randint(1, 3)), rng.sample(BELOW, rng.randint(1, 4))
    return "\n".join([*above, "", text, "", *below])
