"""Switches: what the public sources do not settle, decided by whoever uses the sandbox."""

from __future__ import annotations

import threading
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)
else:
    T = TypeVar("T")

__all__ = ["SwitchBoard", "SwitchError"]


class SwitchError(ValueError):
    """A switch that does not exist, or a value it cannot take."""


class SwitchBoard(Generic[T]):
    """The current switches of one system, an instance of its frozen dataclass of defaults.

    Each value must have the type of its default; a default of None also takes a whole number.
    Switches last until they are reset or the process ends.
    """

    def __init__(self, defaults: T) -> None:
        self._defaults = defaults
        self._now = defaults
        self._lock = threading.Lock()

    @property
    def now(self) -> T:
        """The switches as they stand."""
        return self._now

    def set(self, **changes: Any) -> None:  # noqa: ANN401  # values of several types
        """Set some switches; all of them or, when one is wrong, none.

        Raises:
            SwitchError: an unknown name or a value of another type.
        """
        known = {one.name: getattr(self._defaults, one.name) for one in fields(self._defaults)}
        for name, value in changes.items():
            if name not in known:
                listed = ", ".join(sorted(known))
                raise SwitchError(f"There is no switch '{name}'. Known: {listed}.")
            if not _fits(known[name], value):
                raise SwitchError(
                    f"Switch '{name}' cannot be {value!r}: its default is {known[name]!r}."
                )
        with self._lock:
            self._now = replace(self._now, **{k: _shaped(known[k], v) for k, v in changes.items()})

    def reset(self) -> None:
        """Return to the defaults."""
        with self._lock:
            self._now = self._defaults

    def listed(self) -> dict[str, Any]:
        """Name and value of every switch."""
        return asdict(self._now)


def _fits(default: object, value: object) -> bool:
    if default is None:
        return value is None or (isinstance(value, int) and not isinstance(value, bool))
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float))
    if isinstance(default, (tuple, frozenset)):
        return isinstance(value, (list, tuple, frozenset))
    return isinstance(value, type(default))


def _shaped(default: object, value: Any) -> Any:  # noqa: ANN401  # values of several types
    return type(default)(value) if isinstance(default, (tuple, frozenset, float)) else value
