"""Why a row cannot be read, or what to know of a document: a code with its fields, never a sentence.

A host sends a price of "n/a", a chip that no table names, a bar twice. Later steps ask about it: may a person accept the
row, were people notified of it before, how often does it happen? A sentence cannot be asked that without searching it. So
a source gives a code and fields, which are kept as they are. `warehouse.sources.common.wording` alone turns them into
English.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

CODE, FIELDS = "reason_code", "fields"
UNREADABLE_SCHEMA = {"row": pl.String(), "reasons": pl.List(pl.String()), "locator": pl.String()}
"""Rows that could not be read: the row as JSON, its reasons (each as JSON), its place in the document."""


@dataclass(frozen=True)
class Reason:
    """A code, and the fields that say what it is about."""

    code: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        return json.dumps({CODE: self.code, FIELDS: self.fields}, ensure_ascii=False)

    def __hash__(self) -> int:
        return hash(self.as_json())


def reason(code: str, /, **fields: Any) -> Reason:
    """A reason; days are kept as ISO 8601 text, so that it can be written as JSON."""
    return Reason(
        code, {name: value.isoformat() if isinstance(value, date) else value for name, value in fields.items()}
    )


def read(text: str) -> Reason:
    """A reason as it was kept."""
    kept = json.loads(text)
    return Reason(kept[CODE], kept[FIELDS])


def because(code: str | pl.Expr, /, **fields: Any) -> pl.Expr:
    """One reason in every row of a frame, as JSON. A field that is an expression is taken from the row."""
    given = [(value if isinstance(value, pl.Expr) else pl.lit(value)).alias(name) for name, value in fields.items()]
    coded = (code if isinstance(code, pl.Expr) else pl.lit(code)).alias(CODE)
    return pl.struct(coded, pl.struct(given).alias(FIELDS)).struct.json_encode()
