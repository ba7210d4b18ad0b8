"""The numbers that are judgements: read from one file, never from code.

Each entry carries its meaning, unit, allowed range and citation. A user's file replaces entries key by key; a name that
does not exist or a value outside its range is refused, because a what-if with a typing error would otherwise look like
an answer.

Pydantic checks the entries: a model for each kind of distribution and one for a plain value, and a type for each value
that is a list or a table (`FORMS`). An entry stays the table that the file has, so that its hash is the file's.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from warehouse.errors import UsageError

Kind = Literal["point", "uniform", "triangular", "normal"]
# What may not be replaced, as the analysis would then be about something else.
FIXED = ("minimum", "maximum", "allowed", "unit", "meaning")
# Parts of these are multiples of other figures, so that their order is not known here.
UNORDERED = ("undisclosed_gross_up",)
OWN = "assumption"  # type of the errors that are worded here
FIFTH_PERCENTILE_SDS = 1.6448536269514722  # standard deviations between a normal's mean and its 5th percentile


# ---- What an entry is ----------------------------------------------------------------------------------------------


def _mistake(text: str) -> PydanticCustomError:
    """What is wrong with a field or an entry, as the end of a sentence that begins with its name."""
    return PydanticCustomError(OWN, "{text}", {"text": text})


def _said(text: Any) -> Any:
    if not str(text).strip():
        raise _mistake("is empty")
    return text


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mistake(f"is {value!r}, which is not a number")
    return value


def _spread(sd: Any) -> Any:
    if not sd >= 0:
        raise _mistake(f"is {sd}; a standard deviation is not negative")
    return sd


Said = Annotated[Any, AfterValidator(_said)]
Number = Annotated[Any, AfterValidator(_number)]  # as the file has it: 3 stays 3, so that the hash stays
Spread = Annotated[Number, AfterValidator(_spread)]


class Entry(BaseModel):
    """What every entry has; the kinds below add their value or the parameters of their distribution."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meaning: Said
    unit: Said
    citation: Said
    minimum: Number | None = None
    maximum: Number | None = None
    allowed: list[str] | None = None
    facts: list[str] = []

    @model_validator(mode="after")
    def _inside_its_range(self) -> Entry:
        if self.minimum is None:
            return self
        for name in parameters(type(self)):
            value = _number(getattr(self, name))
            if name != "sd" and not self.minimum <= value <= self.maximum:
                raise _mistake(f"is {value}, outside its range of {self.minimum} to {self.maximum} {self.unit}")
        return self


class Plain(Entry):
    """A number, a word, a date, a list or a table that is not drawn."""

    value: Any

    @model_validator(mode="after")
    def _one_of_the_allowed(self) -> Plain:
        if self.allowed is not None and self.value not in self.allowed:
            raise _mistake(f"is {self.value!r}; use one of {', '.join(self.allowed)}")
        return self


class Ordered(Entry):
    """A distribution whose parameters rise in the order in which they are declared."""

    @model_validator(mode="after")
    def _in_order(self, info: ValidationInfo) -> Ordered:
        names = parameters(type(self))
        values = [getattr(self, name) for name in names]
        if values != sorted(values) and (info.context or {}).get("name") not in UNORDERED:
            raise _mistake(f"needs {' <= '.join(names)}, not {', '.join(map(str, values))}")
        return self


class Point(Entry):
    distribution: Literal["point"]
    value: Number


class Uniform(Ordered):
    distribution: Literal["uniform"]
    low: Number
    high: Number


class Triangular(Ordered):
    distribution: Literal["triangular"]
    low: Number
    mode: Number
    high: Number


class Normal(Entry):
    distribution: Literal["normal"]
    mean: Number
    sd: Spread


def parameters(model: type[Entry]) -> tuple[str, ...]:
    """The parameters of a distribution, or `value`."""
    return tuple(name for name in model.model_fields if name not in Entry.model_fields and name != "distribution")


DISTRIBUTIONS: dict[str, type[Entry]] = {
    "point": Point,
    "uniform": Uniform,
    "triangular": Triangular,
    "normal": Normal,
}
SHAPES = {kind: parameters(model) for kind, model in DISTRIBUTIONS.items()}


# ---- Values that are lists or tables -------------------------------------------------------------------------------

Of = TypeVar("Of")


def _a_day(text: str) -> str:
    date.fromisoformat(text)
    return text


def _rising(pair: list[Any]) -> list[Any]:
    if not pair[0] <= pair[1]:
        raise ValueError("first after last")
    return pair


def _well_before(window: list[int]) -> list[int]:
    if not (window[1] < 0 and window[1] - window[0] >= 30):
        raise ValueError("too short, or not before the event")
    return window


def _price_bounds(pair: list[Any]) -> list[Any]:
    if not 0 < pair[0] < pair[1]:
        raise ValueError("not 0 < low < high")
    return pair


def _with_a_default(table: dict[str, Any]) -> dict[str, Any]:
    if "*" not in table:
        raise ValueError("no entry for every other chip")
    return table


Some = Annotated[list[Of], Field(min_length=1)]
Pair = Annotated[list[Of], Field(min_length=2, max_length=2)]
Day = Annotated[str, AfterValidator(_a_day)]
Window = Annotated[Pair[int], AfterValidator(_rising)]
TradingDay = Annotated[int, Field(ge=1, le=1000)]
Bounds = Annotated[Pair[Number], AfterValidator(_price_bounds)]

A_LIST_OF_WINDOWS = "a list of [first, last] in trading days, first not after last"
# Entry -> what its value must be: in words, and as a type.
FORMS: dict[str, tuple[str, Any]] = {
    "events": ("a table of dates, each with what happened", dict[Day, str]),
    "main_event": ("a date", date),
    "benchmarks": ("a list of tickers", Some[str]),
    "benchmark_indices": (
        "a table of names, each with a list of the tickers and roles left out",
        dict[str, list[str]],
    ),
    "windows": (A_LIST_OF_WINDOWS, Some[Window]),
    "event_day_windows": (A_LIST_OF_WINDOWS, Some[Window]),
    "persistence_days": ("a list of trading days of at least 1", Some[TradingDay]),
    "estimation_window": (
        "[first, last] in trading days, at least 30 before the event",
        Annotated[Window, AfterValidator(_well_before)],
    ),
    "gpu_price_bounds": (
        "a table of chips, each with [low, high] and 0 < low < high",
        Annotated[dict[str, Bounds], AfterValidator(_with_a_default)],
    ),
    "price_stand_ins": ("a table from chip to chip", dict[str, str]),
}
_ADAPTERS = {name: TypeAdapter(form) for name, (_, form) in FORMS.items()}


# ---- All of them ---------------------------------------------------------------------------------------------------


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
        return self["mean"] - FIFTH_PERCENTILE_SDS * self["sd"] if self.kind == "normal" else self.parameters[0]

    @property
    def high(self) -> float:
        """Highest value, or the 95th percentile where there is none (normal)."""
        return self["mean"] + FIFTH_PERCENTILE_SDS * self["sd"] if self.kind == "normal" else self.parameters[-1]

    @property
    def mean(self) -> float:
        """Of a normal its mean; of the others the mean of their parameters, which is what each of them works out to."""
        return self["mean"] if self.kind == "normal" else sum(self.parameters) / len(self.parameters)


class Assumptions(Mapping[str, Mapping[str, Any]]):
    """All entries by name. `number`, `distribution` and `value` give what an entry holds; `sha256` names the whole."""

    def __init__(self, entries: Mapping[str, Mapping[str, Any]], overridden: tuple[str, ...] = ()) -> None:
        self._entries = {name: dict(entry) for name, entry in entries.items()}
        self.overridden = overridden
        for name, entry in self._entries.items():
            validate(name, entry, "assumptions")

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
            entries[name] = changed(name, entries[name], change, where)
            # The packaged number's facts do not stand behind a user's number.
            if not (isinstance(change, Mapping) and "facts" in change):
                entries[name].pop("facts", None)
            validate(name, entries[name], where)
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


# ---- Replacing and checking one entry ------------------------------------------------------------------------------


def changed(name: str, entry: Mapping[str, Any], change: Any, where: str) -> dict[str, Any]:
    """`entry` with a user's change: a bare value, or a table that names fields of the entry."""
    fields = {"value", "distribution", *Entry.model_fields} | _shape(entry)
    if isinstance(change, Mapping) and fields & set(change):
        return _with_fields(name, entry, change, where)
    about = {key: entry[key] for key in entry if key in Entry.model_fields}
    if "distribution" in entry:
        return about | {"distribution": "point", "value": change}
    if isinstance(change, Mapping) and isinstance(entry["value"], Mapping):
        change = {**entry["value"], **change}
    return {**entry, "value": change}


def _with_fields(name: str, entry: Mapping[str, Any], change: Mapping[str, Any], where: str) -> dict[str, Any]:
    if fixed := [field for field in FIXED if field in change]:
        raise UsageError(f"{where}: {name}.{fixed[0]} is fixed and cannot be replaced")
    about = {key: entry[key] for key in entry if key in Entry.model_fields}
    return {**(about if "distribution" in change else entry), **change}


def _shape(entry: Mapping[str, Any]) -> set[str]:
    return set(SHAPES.get(entry.get("distribution", ""), ("value",)))


def validate(name: str, entry: Mapping[str, Any], where: str) -> None:
    """Raise UsageError, with the file, the entry, its field and what to do, where an entry is not what it must be."""
    kind = entry.get("distribution")
    if kind is not None and kind not in DISTRIBUTIONS:
        raise UsageError(f"{where}: {name}.distribution is {kind!r}; use {', '.join(DISTRIBUTIONS)}")
    model = Plain if kind is None else DISTRIBUTIONS[kind]
    try:
        model.model_validate(entry, context={"name": name})
    except ValidationError as error:
        mistakes = (_in_words(name, entry, found) for found in error.errors(include_url=False))
        raise UsageError("\n".join(f"{where}: {mistake}" for mistake in mistakes)) from None
    if name not in FORMS:
        return
    try:
        _ADAPTERS[name].validate_python(entry.get("value"), strict=True)
    except ValidationError:
        raise UsageError(f"{where}: {name} must be {FORMS[name][0]}, not {entry.get('value')!r}") from None


def _in_words(name: str, entry: Mapping[str, Any], error: Any) -> str:
    """One of pydantic's errors as a sentence about the entry."""
    field = ".".join(map(str, error["loc"]))
    if field in ("meaning", "unit", "citation"):
        return f"{name} has no {field}; a number without one does not count"
    if error["type"] == "missing":
        return f"{name} lacks {field}, which a {entry.get('distribution', 'value')} needs"
    if error["type"] == "extra_forbidden":
        return f"{name} has no parameter {field!r}; it has {', '.join(sorted(_shape(entry)))}"
    if error["type"] != OWN:
        return f"{name}.{field} is {error['input']!r}: {error['msg']}"
    return f"{name}.{field} {error['msg']}" if field else f"{name} {error['msg']}"


def _nearest(name: str, entries: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, entries, n=3)
    return f"Did you mean {' or '.join(near)}?" if near else f"The names are: {', '.join(sorted(entries))}."
