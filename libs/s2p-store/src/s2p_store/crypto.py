"""Encryption of what must not be read from the database file.

Fernet (AES-128-CBC with HMAC-SHA256, the format of the `cryptography` package). Each value is
bound to its place: the place's name is encrypted with it and compared on reading, so that a
value copied onto another row is told instead of used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from s2p_store.encoding import from_json, to_json
from s2p_store.errors import (
    StoreKeyInvalid,
    StoreKeyMissing,
    StoreKeyWrong,
    StoreTampered,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Cipher", "generate_key"]

_WRONG = (
    "The setting store_key (S2P_STORE_KEY) is not the key of the store {label}: "
    "set the key the store was made with; after a key change give both, new,old."
)


def generate_key() -> str:
    """Make a new random key, as text for the setting `store_key` (44 characters)."""
    return Fernet.generate_key().decode()


class Cipher:
    """The key or keys of one store; the first encrypts, all decrypt.

    Without a key it exists all the same, and refuses each use with the sentence that says how
    to get one.
    """

    __slots__ = ("_fernet", "_first", "_label")

    def __init__(self, key: str | None, label: str) -> None:
        """Read `key`: one key, or several separated by commas; `file:PATH` names a file of them.

        Raises:
            StoreKeyInvalid: one of them is not what `s2p key` prints, or a file cannot be read.
        """
        self._label = label
        self._fernet: MultiFernet | None = None
        self._first: Fernet | None = None
        texts = _keys_in(key or "")
        if not texts:
            return
        try:
            fernets = [Fernet(text) for text in texts]
        except (ValueError, UnicodeEncodeError):
            raise StoreKeyInvalid(
                "The setting store_key (S2P_STORE_KEY) is not a key: it takes what "
                "'s2p key' prints, 44 characters, or file:PATH; several keys are separated by "
                "commas or stand on lines of their own."
            ) from None
        self._first = fernets[0]
        self._fernet = MultiFernet(fernets)

    def __repr__(self) -> str:
        return f"Cipher({'with' if self._fernet else 'without'} key)"

    @property
    def has_key(self) -> bool:
        """Whether values can be encrypted and decrypted."""
        return self._fernet is not None

    def seal(self, place: Sequence[str], value: Mapping[str, Any]) -> bytes:
        """Encrypt `value` for `place`.

        Raises:
            StoreKeyMissing: there is no key.
            StoreDataInvalid: the value has no exact JSON form.
        """
        return self._key().encrypt(to_json([list(place), value]))

    def unseal(self, place: Sequence[str], token: bytes) -> dict[str, Any]:
        """Decrypt what `seal` made for the same place.

        Raises:
            StoreKeyMissing: there is no key.
            StoreKeyWrong: none of the keys fits.
            StoreTampered: it was sealed for another place.
        """
        try:
            inside = from_json(self._key().decrypt(token))
        except InvalidToken:
            raise StoreKeyWrong(_WRONG.format(label=self._label)) from None
        found, value = inside
        if found != list(place):
            raise StoreTampered(
                f"An encrypted value in the store {self._label} was moved from its row to "
                f"another ({place[0]}): restore the store from a backup and find out who wrote it."
            )
        return dict(value)

    def require(self) -> None:
        """Refuse now rather than later.

        Raises:
            StoreKeyMissing: there is no key.
        """
        self._key()

    def sealed_by_first_key(self, token: bytes) -> bool:
        """Whether the key that encrypts now is the one `token` was encrypted with."""
        self._key()
        if self._first is None:
            return False
        try:
            self._first.decrypt(token)
        except InvalidToken:
            return False
        return True

    def _key(self) -> MultiFernet:
        if self._fernet is None:
            raise StoreKeyMissing(
                "The setting store_key (environment S2P_STORE_KEY) is missing: the store "
                f"{self._label} keeps credentials and held records encrypted; make a key once "
                "with 's2p key', keep it safe, and set it for all plugins."
            )
        return self._fernet


_FILE = "file:"


def _keys_in(text: str) -> list[str]:
    """The keys a setting names, in its order; what is no key is told by whoever reads it."""
    if not text.strip():
        return []
    keys: list[str] = []
    for word in (part.strip() for part in text.split(",")):
        if word.startswith(_FILE):
            keys += _content(Path(word.removeprefix(_FILE)).expanduser()).split()
        else:
            keys.append(word)
    return keys


def _content(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no plain text"
        raise StoreKeyInvalid(
            f"The key file {path} that the setting store_key (S2P_STORE_KEY) names cannot be read "
            f"({why}): correct the path, or let this user read it."
        ) from None
    if not text.strip():
        raise StoreKeyInvalid(
            f"The key file {path} that the setting store_key (S2P_STORE_KEY) names holds no key: "
            "put what 's2p key' prints into it, one key on each line."
        )
    return text
