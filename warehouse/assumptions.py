"""The numbers that are judgements: read from one file, never from code.

Each entry carries its meaning, unit, allowed range and citation. A user's file replaces entries key by key; a name that
does not exist or a value outside its range is refused, because a what-if with a typing error would otherwise look like
an answer.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from warehouse.errors import UsageError

Kind = Literal["point", "uniform", "triangular", "normal"]
SHAPES: dict[str, tuple[str, ...]] = {
    "point": ("value",),
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "normal": ("mean", "sd"),
}
_ABOUT = ("meaning", "unit", "citation", "minimum", "maximum", "allowed", "facts")


@dataclass(frozen=True)
class Distribution:
    """A distribution by its parameters, in the unit of its assumption.

    `point` has `value`; `uniform` low and high; `triangular` low, mode and high; `normal` mean and sd.
    """

    kind: Kind
    parameters: tuple[float, ...]

    def __getitem__(self, name: str) -> float:
        return self.parameters[SHAPES[self.kind].index(name)]

    @property
    def low(self) -> float:
        """Lowest value, or the 5th percentile where there is none (normal)."""
        return self["mean"] - 1.6448536269514722 * self["sd"] if self.kind == "normal" else self.parameters[0]

    @property
    def high(self) -> float:
        """Highest value, or the 95th percentile where there is none (normal)."""
        return self["mean"] + 1.6448536269514722 * self["sd"] if self.kind == "normal" else self.parameters[-1]


class Assumptions(Mapping[str, Mapping[str, Any]]):
    """All entries by name. `number`, `distribution` and `value` give what an entry holds; `sha256` names the whole."""

    def __init__(self, entries: Mapping[str, Mapping[str, Any]], overridden: tuple[str, ...] = ()) -> None:
        self._entries = {name: dict(entry) for name, entry in entries.items()}
        self.overridden = overridden
        for name, entry in self._entries.items():
            _validate(name, entry, "assumptions")

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self._entries[name]

    def __iter__(self):
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def value(self, name: str) -> Any:
        """The entry's value as the file has it (text, list, table or number)."""
        return self._entries[name]["value"]

    def number(self, name: str) -> float:
        return float(self.value(name))

    def integer(self, name: str) -> int:
        return int(self.value(name))

    def distribution(self, name: str) -> Distribution:
        entry = self._entries[name]
        kind: Kind = entry["distribution"]
        return Distribution(kind, tuple(float(entry[part]) for part in SHAPES[kind]))

    def replaced(self, changes: Mapping[str, Any], where: str = "override") -> Assumptions:
        """These assumptions with some entries replaced; `where` names the file in a message.

        A change is a number (a distribution becomes that point) or a table with some of the entry's parameters.
        Raises UsageError for an unknown name, an unknown parameter, a wrong type or a value out of range.
        """
        entries = deepcopy(self._entries)
        for name, change in changes.items():
            if name not in entries:
                raise UsageError(f"{where}: there is no assumption named {name!r}. {_nearest(name, entries)}")
            entries[name] = _changed(name, entries[name], change, where)
            # The packaged number's facts do not stand behind a user's number.
            if not (isinstance(change, Mapping) and "facts" in change):
                entries[name].pop("facts", None)
            _validate(name, entries[name], where)
        return Assumptions(entries, tuple(sorted({*self.overridden, *changes})))

    @property
    def sha256(self) -> str:
        """Hash of every value, so that a mart can say which assumptions made it."""
        canonical = json.dumps(self._entries, sort_keys=True, default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()


def load(path: Path | None = None) -> Assumptions:
    """The packaged assumptions, with those of the file at `path` replaced key by key.

    Raises UsageError where the file is missing, is not TOML, or holds what `Assumptions.replaced` refuses.
    """
    text = resources.files("warehouse.reference").joinpath("assumptions.toml").read_text(encoding="utf-8")
    packaged = Assumptions(tomllib.loads(text))
    if path is None:
        return packaged
    try:
        changes = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the assumptions file cannot be read ({error.strerror}). Check its path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: this is not a TOML file: {error}") from error
    return packaged.replaced(changes, str(path))


def _changed(name: str, entry: dict[str, Any], change: Any, where: str) -> dict[str, Any]:
    changed = dict(entry)
    if not isinstance(change, Mapping) or not (set(change) & ({"value", "distribution", *_ABOUT} | _shape(entry))):
        if "distribution" in entry:
            changed = {key: entry[key] for key in entry if key in _ABOUT} | {"distribution": "point"}
        elif isinstance(change, Mapping) and isinstance(entry["value"], Mapping):
            change = {**entry["value"], **change}
        return changed | {"value": change}
    if "distribution" in change:
        if change["distribution"] not in SHAPES:
            raise UsageError(f"{where}: {name}.distribution is {change['distribution']!r}; use {', '.join(SHAPES)}")
        changed = {key: entry[key] for key in entry if key in _ABOUT}
    allowed = {"distribution", *_ABOUT} | _shape(changed | dict(change))
    for part in change:
        if part not in allowed:
            raise UsageError(f"{where}: {name} has no parameter {part!r}; it has {', '.join(sorted(_shape(changed)))}")
    for part in ("minimum", "maximum", "allowed", "unit", "meaning"):
        if part in change:
            raise UsageError(f"{where}: {name}.{part} is fixed and cannot be replaced")
    return changed | dict(change)


def _shape(entry: Mapping[str, Any]) -> set[str]:
    return set(SHAPES[entry["distribution"]]) if entry.get("distribution") in SHAPES else {"value"}


def _validate(name: str, entry: Mapping[str, Any], where: str) -> None:
    for part in ("meaning", "unit", "citation"):
        if not str(entry.get(part, "")).strip():
            raise UsageError(f"{where}: {name} has no {part}; a number without one does not count")
    parts = SHAPES[entry["distribution"]] if "distribution" in entry else ("value",)
    for part in parts:
        if part not in entry:
            raise UsageError(f"{where}: {name} lacks {part}, which a {entry.get('distribution', 'value')} needs")
    numbers = [entry[part] for part in parts if part != "sd"] if "minimum" in entry else []
    for part in parts if "distribution" in entry else ():
        if isinstance(entry[part], bool) or not isinstance(entry[part], int | float):
            raise UsageError(f"{where}: {name}.{part} is {entry[part]!r}, which is not a number")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
            raise UsageError(f"{where}: {name} is {number!r}, which is not a number")
        if not entry["minimum"] <= number <= entry["maximum"]:
            raise UsageError(
                f"{where}: {name} is {number}, outside its range of {entry['minimum']} to {entry['maximum']} {entry['unit']}"
            )
    kind = entry.get("distribution")
    ordered = [entry[part] for part in parts] if kind in ("uniform", "triangular") else []
    if ordered and name != "undisclosed_gross_up" and ordered != sorted(ordered):
        raise UsageError(f"{where}: {name} needs {' <= '.join(parts)}, not {', '.join(map(str, ordered))}")
    if kind == "normal" and entry["sd"] < 0:
        raise UsageError(f"{where}: {name}.sd is {entry['sd']}; a standard deviation is not negative")
    if "allowed" in entry and entry["value"] not in entry["allowed"]:
        raise UsageError(f"{where}: {name} is {entry['value']!r}; use one of {', '.join(entry['allowed'])}")
    _validate_structure(name, entry, where)


def _validate_structure(name: str, entry: Mapping[str, Any], where: str) -> None:
    """Entries that are neither a number nor a word: dates, lists and tables of a given form."""
    value = entry.get("value")
    rules: dict[str, tuple[str, bool]] = {
        "events": (
            "a table of dates, each with what happened",
            isinstance(value, Mapping) and all(_is_date(day) and isinstance(what, str) for day, what in value.items()),
        ),
        "main_event": ("a date", isinstance(value, date) and not isinstance(value, datetime)),
        "benchmarks": (
            "a list of tickers",
            isinstance(value, list) and bool(value) and all(isinstance(ticker, str) for ticker in value),
        ),
        "benchmark_indices": (
            "a table of names, each with a list of the tickers and roles left out",
            isinstance(value, Mapping)
            and all(isinstance(out, list) and all(isinstance(name, str) for name in out) for out in value.values()),
        ),
        "windows": (
            "a list of [first, last] in trading days, first not after last",
            isinstance(value, list) and bool(value) and all(_is_window(window) for window in value),
        ),
        "event_day_windows": (
            "a list of [first, last] in trading days, first not after last",
            isinstance(value, list) and bool(value) and all(_is_window(window) for window in value),
        ),
        "persistence_days": (
            "a list of trading days of at least 1",
            isinstance(value, list) and bool(value) and all(type(day) is int and 1 <= day <= 1000 for day in value),
        ),
        "estimation_window": (
            "[first, last] in trading days, at least 30 before the event",
            isinstance(value, list) and _is_window(value) and value[1] < 0 and value[1] - value[0] >= 30,
        ),
        "gpu_price_bounds": (
            "a table of chips, each with [low, high] and 0 < low < high",
            isinstance(value, Mapping)
            and "*" in value
            and all(isinstance(b, list) and len(b) == 2 and 0 < b[0] < b[1] for b in value.values()),
        ),
        "price_stand_ins": (
            "a table from chip to chip",
            isinstance(value, Mapping) and all(isinstance(chip, str) for chip in value.values()),
        ),
    }
    if name in rules and not rules[name][1]:
        raise UsageError(f"{where}: {name} must be {rules[name][0]}, not {value!r}")


def _is_window(window: Any) -> bool:
    return (
        isinstance(window, list)
        and len(window) == 2
        and all(isinstance(day, int) and not isinstance(day, bool) for day in window)
        and window[0] <= window[1]
    )


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _nearest(name: str, entries: Mapping[str, Any]) -> str:
    import difflib

    near = difflib.get_close_matches(name, entries, n=3)
    return f"Did you mean {' or '.join(near)}?" if near else f"The names are: {', '.join(sorted(entries))}."
