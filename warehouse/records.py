"""What this project wrote itself and reads back: state beside the warehouse, one JSON object to a file or to a line.

A disk, a crash, another version or a person can change such a file, and whoever reads it must know what then counts. So an
object is taken only where each of its fields is of its type. What is none is nothing: a line is left out, a remembered state
is forgotten, and `overbuild doctor` names the file. A text is one that UTF-8 can write, because it will be written again.
A moment has a time zone, because moments are compared.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def parsed(text: str | bytes) -> dict[str, Any] | None:
    """The JSON object of a text; None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def record(kind: type[T], given: Mapping[str, Any]) -> T | None:
    """A dataclass of these fields; None where one is missing or is not of its type. Fields that it has not are left out.

    Moments and days stand in `given` as texts, as in `datetime.isoformat`.
    """
    values = {}
    try:
        for name, (hint, is_optional) in _fields(cast(Any, kind)).items():
            if name in given or not is_optional:
                values[name] = _value(hint, given.get(name))
    except (ValueError, OverflowError):
        return None
    return kind(**values)


def value(hint: Any, given: Any) -> Any:
    """One value of a type: text, number, moment, day, or lists and tables of them. None where it is of another type."""
    try:
        return _value(hint, given)
    except (ValueError, OverflowError):
        return None


@cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    hints = get_type_hints(kind)
    return {
        one.name: (hints[one.name], one.default is not MISSING or one.default_factory is not MISSING)
        for one in fields(kind)
    }


def _value(hint: Any, given: Any) -> Any:
    """A value of a type. Raises ValueError or OverflowError for another one."""
    origin, among = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        wanted = [each for each in among if each is not type(None)]
        return None if given is None and len(wanted) < len(among) else _value(wanted[0], given)
    if origin is not None and issubclass(origin, Mapping) and isinstance(given, dict):
        return {_value(among[0], key): _value(among[1], each) for key, each in given.items()}
    if origin in (list, tuple) and isinstance(given, list):
        return origin(_value(among[0], each) for each in given)
    if hint is datetime and isinstance(given, str):
        moment = datetime.fromisoformat(given)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    elif hint is date and isinstance(given, str):
        return date.fromisoformat(given)
    elif hint is str and isinstance(given, str):
        given.encode()  # half of a pair of UTF-16 is a ValueError
        return given
    elif hint in (int, bool) and type(given) is hint:
        return given
    elif hint is float and isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    raise ValueError(f"{given!r} is no {hint}")
