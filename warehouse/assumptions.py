"""The numbers that are judgements: read from one file, never from code.

Each entry carries its meaning, unit, allowed range and citation. A user's file replaces entries key by key. A name that
does not exist or a value outside its range is refused. A what-if with a typing error would otherwise look like an
answer.

Judgements look ahead as easily as facts do: a share of compute that was measured in 2026 decides nothing in January
2025. So an entry that cites evidence says from which day that evidence was public (`known_from`). What counts before it
(`before`) is a wide range of its own, with where that comes from. `Assumptions.as_of` gives the entries of a day. What
a user sets counts on every day.

Pydantic checks the entries. There is a model for each kind of distribution, one for a plain value, and a type for each
value that is a list or a table (`FORMS`). An entry stays the table that the file has, so that its hash is the file's.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
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

from warehouse import files
from warehouse.errors import UsageError

Kind = Literal["point", "uniform", "triangular", "normal"]
# What may not be replaced, as the analysis would then be about something else.
FIXED = ("minimum", "maximum", "allowed", "unit", "meaning")
# What dates an entry. A user's own value has no day, so these may not be set either.
DATED = ("known_from", "before")
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
    if not abs(value) <= sys.float_info.max:  # nor a whole number that no float can hold
        raise _mistake(f"is {value}; give a finite number")
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
    known_from: date | None = None
    before: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _dated_whole(self) -> Entry:
        if (self.known_from is None) != (self.before is None):
            raise _mistake(
                "needs both known_from, the day on which its evidence became public, and before, what counts until then"
            )
        return self

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
        multiples = (info.context or {}).get("name") in UNORDERED
        # Where only the upper ones are divided by a rate, the lowest may exceed the middle one but never the highest.
        if (max(values) != values[-1]) if multiples else (values != sorted(values)):
            order = f"no more than {names[-1]}" if multiples else f"{' <= '.join(names)}"
            raise _mistake(f"needs {order}, not {', '.join(map(str, values))}. Put them in that order.")
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


def _weighty(weights: dict[str, float]) -> dict[str, float]:
    if not (all(weight >= 0 for weight in weights.values()) and sum(weights.values()) > 0):
        raise ValueError("a weight below zero, or none above it")
    return weights


def _not_negative(value: Any) -> Any:
    if not value >= 0:
        raise ValueError("below zero")
    return value


def _shares(pair: list[Any]) -> list[Any]:
    if not 0 <= pair[0] <= pair[1] <= 1:
        raise ValueError("not 0 <= low <= high <= 1")
    return pair


Some = Annotated[list[Of], Field(min_length=1)]
Pair = Annotated[list[Of], Field(min_length=2, max_length=2)]
Day = Annotated[str, AfterValidator(_a_day)]
Window = Annotated[Pair[int], AfterValidator(_rising)]
TradingDay = Annotated[int, Field(ge=1, le=1000)]
Bounds = Annotated[Pair[Number], AfterValidator(_price_bounds)]
Shares = Annotated[Pair[Number], AfterValidator(_shares)]
Elasticity = Annotated[Number, AfterValidator(_not_negative)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Growing = Annotated[float, Field(ge=-1, allow_inf_nan=False)]


class Published(BaseModel):
    """What a published index of rents is about: the chip as it names it, the chip that this is, the terms of the price."""

    model_config = ConfigDict(extra="forbid")

    published_as: str
    gpu_model: str
    pricing_kind: str


class LessOne(BaseModel):
    """A fund without one of its shares: ticker of the fund, ticker of the share and its weight in the fund."""

    model_config = ConfigDict(extra="forbid")

    fund: str
    without: str
    weight: Annotated[float, Field(gt=0, lt=1)]


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
    "other_news": ("a table of dates, each with what happened", dict[Day, str]),
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
    "revenue_sellers": ("a table from ticker to entity", dict[str, str]),
    "cloud_revenue": ("a table from entity to the entity of its cloud revenue", dict[str, str]),
    "outside_estimates": ("a list of evidence identifiers", list[str]),
    "stated_growth": ("a table from evidence identifier to growth of at least -1", dict[str, Growing]),
    "end_customer_estimates": ("a table from entity to metric", Annotated[dict[str, str], Field(min_length=1)]),
    "labs": ("a table from entity to metric", dict[str, str]),
    "computing_owners": ("a table from ticker to entity", Annotated[dict[str, str], Field(min_length=1)]),
    "q2_elasticities": ("a list of elasticities of at least 0", Some[Elasticity]),
    "training_share_readings": (
        "a table of bottom_up and inference, each with a weight of at least 0 and one of them above it",
        Annotated[dict[Literal["bottom_up", "inference"], Finite], AfterValidator(_weighty)],
    ),
    "inference_share": (
        "a table of evidence identifiers, each with [low, high] and 0 <= low <= high <= 1",
        dict[str, Shares],
    ),
    "backlog_redefined": ("a table of tickers, each with a date", dict[str, Day]),
    "published_indexes": (
        "a table of indexes, each with published_as, gpu_model and pricing_kind",
        dict[str, Published],
    ),
    "benchmark_weights": (
        "a table of benchmarks, each with fund, without and weight (0 < weight < 1)",
        dict[str, LessOne],
    ),
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
    """All entries by name. `number`, `distribution` and `value` give what an entry holds; `sha256` names the whole.

    `day` is the date as of which they count, None where every entry counts as the file has it. `early` names the entries
    whose evidence was not public by then, so that what stands in their `before` counts.
    """

    day: date | None = None
    early: tuple[str, ...] = ()

    def __init__(self, entries: Mapping[str, Mapping[str, Any]], overridden: tuple[str, ...] = ()) -> None:
        self._whole: dict[str, Any] = {name: dict(entry) for name, entry in entries.items()}
        self._entries = self._whole
        self._of_day: dict[date, Assumptions] = {}
        self.overridden = overridden
        for name, entry in self._whole.items():
            validate(name, entry, "assumptions.toml")

    def as_of(self, day: date) -> Assumptions:
        """These assumptions as they count on a day: an entry whose evidence became public later by its `before`.

        The hash stays that of all entries, so that the answers of two days are known to be made by one file.
        """
        if day == self.day:
            return self
        if day not in self._of_day:
            dated = copy(self)
            dated.day = day
            dated.early = tuple(name for name, entry in self._whole.items() if _is_early(entry, day))
            dated._entries = self._whole | {name: before(self._whole[name]) for name in dated.early}
            self._of_day[day] = dated
        return self._of_day[day]

    def dated(self, name: str) -> Mapping[str, Any]:
        """The entry as the file has it, with its `known_from` and `before`, whatever the day."""
        return self._whole[name]

    def is_early(self, name: str) -> bool:
        """Whether the evidence of an entry was not public by the day."""
        return name in self.early

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def value(self, name: str) -> Any:
        """The entry's value as the file has it (text, list, table or number)."""
        return self[name]["value"]

    def number(self, name: str) -> float:
        return float(self.value(name))

    def integer(self, name: str) -> int:
        return int(self.value(name))

    def distribution(self, name: str) -> Distribution:
        entry = self[name]
        kind: Kind = entry["distribution"]
        return Distribution(kind, tuple(float(entry[part]) for part in SHAPES[kind]))

    def replaced(self, changes: Mapping[str, Any], where: str = "override") -> Assumptions:
        """These assumptions with some entries replaced; `where` names the file in a message.

        A change is a number (a distribution becomes that point) or a table with some of the entry's parameters.
        Raises UsageError for an unknown name, an unknown parameter, a wrong type or a value out of range.
        """
        entries = deepcopy(self._whole)
        for name, change in changes.items():
            if name not in entries:
                raise UsageError(f"{where}: there is no assumption named {name!r}. {_nearest(name, entries)}")
            entries[name] = changed(name, entries[name], change, where)
            # The packaged number's facts do not stand behind a user's number.
            if not (isinstance(change, Mapping) and "facts" in change):
                entries[name].pop("facts", None)
            # A user's value rests on no evidence of ours: it counts on every day.
            for dating in DATED:
                entries[name].pop(dating, None)
            validate(name, entries[name], where)
        replaced = Assumptions(entries, tuple(sorted({*self.overridden, *changes})))
        return replaced if self.day is None else replaced.as_of(self.day)

    @cached_property
    def sha256(self) -> str:
        """Hash of every value, so that a mart can say which assumptions made it."""
        canonical = json.dumps(self._whole, sort_keys=True, default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()


def load(path: Path | None = None) -> Assumptions:
    """The packaged assumptions, with those of the file at `path` replaced key by key.

    Raises UsageError where the file is missing, is not TOML, or holds what `Assumptions.replaced` refuses.
    """
    text = resources.files("warehouse.reference").joinpath("assumptions.toml").read_text(encoding="utf-8")
    packaged = _packaged(text)
    if path is None:
        return packaged
    try:
        changes = tomllib.loads(files.text(path))
    except OSError as error:
        raise UsageError(f"{path}: the assumptions file cannot be read ({error.strerror}). Check its path.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: this is not a TOML file: {error}") from error
    return packaged.replaced(changes, str(path))


@cache
def _packaged(text: str) -> Assumptions:
    """The entries of a file, read and validated once in a process: nothing changes them afterwards."""
    return Assumptions(tomllib.loads(text))


# ---- The day from which an entry counts ----------------------------------------------------------------------------


def _is_early(entry: Mapping[str, Any], day: date) -> bool:
    known_from = entry.get("known_from")
    return known_from is not None and day < known_from


def before(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What counts until the evidence of an entry is public: its `before`, about the same thing in the same unit.

    The facts that the entry names are left out: they are not known yet.
    """
    about = {key: entry[key] for key in ("meaning", "unit", "minimum", "maximum", "allowed") if key in entry}
    return {**about, **entry["before"]}


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
    if dating := [field for field in DATED if field in change]:
        raise UsageError(
            f"{where}: {name}.{dating[0]} cannot be set: a value of your own counts on every day. Drop it."
        )
    about = {key: entry[key] for key in entry if key in Entry.model_fields}
    return {**(about if "distribution" in change else entry), **change}


def _shape(entry: Mapping[str, Any]) -> set[str]:
    return set(SHAPES.get(str(entry.get("distribution")), ("value",)))


def validate(name: str, entry: Mapping[str, Any], where: str) -> None:
    """Raise UsageError, with the file, the entry, its field and what to do, where an entry is not what it must be."""
    kind = entry.get("distribution")
    if kind is not None and not (isinstance(kind, str) and kind in DISTRIBUTIONS):
        raise UsageError(f"{where}: {name}.distribution is {kind!r}; use {', '.join(DISTRIBUTIONS)}")
    model = Plain if kind is None else DISTRIBUTIONS[kind]
    try:
        model.model_validate(entry, context={"name": name})
    except ValidationError as error:
        mistakes = (_in_words(name, entry, found) for found in error.errors(include_url=False))
        raise UsageError("\n".join(f"{where}: {mistake}" for mistake in mistakes)) from None
    if entry.get("before") is not None:
        validate(name, before(entry), f"{where} (before {entry['known_from']})")
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
