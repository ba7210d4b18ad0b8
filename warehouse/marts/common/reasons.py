"""Why a figure is missing, or what to know of it: a code with its fields, never a sentence.

A missing figure passes through several marts: a quarter that no filing gives leaves a year incomplete, which leaves a
verdict undecided. Each of them has to know *which* reason it was given, and a sentence cannot be asked that without
searching it. So a reason is a JSON object (`{"reason_code": "no_price", "ticker": "NVDA"}`), and a row carries a list
of them in its column `reasons`. `warehouse.marts.wording` alone turns them into English, at the very end. Rewording a
sentence changes no result.

A row has a list or null, never an empty list: readers ask whether there is a reason and not how many.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

REASONS = "reasons"
CODE = "reason_code"
TYPE = pl.List(pl.String())
_NONE = pl.lit([], dtype=TYPE)


def because(code: str, /, **fields: Any) -> pl.Expr:
    """One reason in every row. A field that is an expression is taken from the row, any other is the same in all."""
    given = {CODE: pl.lit(code)} | {name: value if isinstance(value, pl.Expr) else _literal(value)
                                    for name, value in fields.items()}  # fmt: skip
    return pl.struct(*(expr.alias(name) for name, expr in given.items())).struct.json_encode()


def reason(code: str, /, **fields: Any) -> str:
    """One reason, where rows are made one by one."""
    return json.dumps(
        {CODE: code} | {n: _plain(v) for n, v in fields.items()}, separators=(",", ":"), ensure_ascii=False
    )


def all_of(*reasons: str | pl.Expr) -> pl.Expr:
    """The reasons that apply, each once, in their order; null where none does.

    A name is a column of lists (`"reasons"`). An expression is a single reason (`because`), null where it does not apply.
    """
    columns = [pl.col(each) if isinstance(each, str) else each for each in reasons]
    parts: list[pl.Expr] = []
    for is_list, places in groupby(range(len(reasons)), key=lambda place: isinstance(reasons[place], str)):
        group = [columns[place] for place in places]
        # Joining lists of lists costs much more than making one list of many reasons.
        parts += [column.fill_null(_NONE) for column in group] if is_list else [pl.concat_list(group)]
    found = parts[0] if len(parts) == 1 else pl.concat_list(parts)
    applies = pl.any_horizontal(column.is_not_null() for column in columns)
    return pl.when(applies).then(found.list.drop_nulls().list.unique(maintain_order=True))


def listed(reasons: Iterable[str | None]) -> list[str] | None:
    """The same for rows that are made one by one."""
    return list(dict.fromkeys(each for each in reasons if each is not None)) or None


def read(text: str) -> dict[str, Any]:
    """A reason's code and fields."""
    found: dict[str, Any] = json.loads(text)
    return found


def without(code: str, column: str = REASONS) -> pl.Expr:
    """The reasons of a row but those of this code; null where none is left."""
    other = pl.element().filter(pl.element().str.json_path_match(f"$.{CODE}") != code)
    left = pl.col(column).list.eval(other)
    return pl.when(left.list.len() > 0).then(left)


def codes(reasons: Iterable[str] | None) -> list[str]:
    """The codes of some reasons, in their order."""
    return [read(each)[CODE] for each in reasons or ()]


def _literal(value: Any) -> pl.Expr:
    return pl.lit(pl.Series([_plain(value)])).first() if isinstance(value, list | tuple) else pl.lit(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
