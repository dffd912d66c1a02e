"""What is done to the characters of every text, id and path, whatever the format."""

import re
import unicodedata

# Control characters (Cc) without tab and newline, which are layout; and surrogates.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# What text does not consist of: besides control characters, those for private use and the mark of a lost character.
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd]")
_MOST_NO_TEXT = 0.1
_JUDGED_CHARACTERS = 2**16
_INVISIBLE = frozenset({"Cc", "Cf"})


def readable(text: str) -> str:
    r"""The text with ``\n`` as its only line end, without control characters and lone surrogates.

    A control character becomes a space, so that the words around it stay apart; a lone surrogate
    becomes U+FFFD, which every encoding can carry.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNREADABLE.sub(_readable_instead, text)


def _readable_instead(found: re.Match[str]) -> str:
    return "\ufffd" if found[0] >= "\ud800" else " "


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen: white space, zero-width and other format characters."""
    return all(character.isspace() or unicodedata.category(character) in _INVISIBLE for character in text)


def is_nonsense(text: str) -> bool:
    """Whether too much of the text is no text, as when other data, or text in another encoding, is decoded."""
    sample = text[:_JUDGED_CHARACTERS]
    return len(_NO_TEXT.findall(sample)) > _MOST_NO_TEXT * len(sample)


def encodable(name: str) -> str:
    r"""The name with lone surrogates written out (``\udcff``).

    They stand for the undecodable bytes of a file name. Written out, two names stay two.
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
