"""Names of accounts and cost centers, brought into one form so that two spellings can be compared.

`Büro- & Verwaltungskosten` and `BURO VERWALTUNGSKOSTEN` are one name; `Kosten 2024` and
`Kosten 2025` are two. Digits and word order are kept: they tell accounts apart.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["normalise_name"]

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0131": "i",  # the Turkish i without a dot
        "ĸ": "k",
        "ŧ": "t",
    },
)
# `_` is a word character to `re`, but a separator to people who export chart of accounts.
_SEPARATORS = re.compile(r"[\W_]+")


def normalise_name(text: str) -> str:
    """The comparable form of a name; the empty text if nothing comparable is left.

    Case, diacritics, ligatures (`ß` is `ss`), punctuation and white space do not count.
    Normalising twice changes nothing.
    """
    if text.isascii():
        return _SEPARATORS.sub(" ", text.lower()).strip()
    while True:
        simpler = _simplify(text)
        if simpler == text:
            return text
        # One pass may bring out new letters: compatibility forms decompose into capitals.
        text = simpler


def _simplify(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _SEPARATORS.sub(" ", letters.translate(_LETTERS)).strip()
