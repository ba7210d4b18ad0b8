"""Which figures are read from a filing's inline XBRL, by company, tag and dimensions: the list in sec_dimensions.toml."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

FILE = "sec_dimensions.toml"
THE_DAY_AFTER = "the day after"
"""As a member: the day after the figure's own."""


@dataclass(frozen=True)
class Figure:
    """A figure of a company: its measure, its tag as filed, and every axis that it has with its member."""

    ticker: str
    measure: str
    tag: str
    dimensions: Mapping[str, str]


@cache
def _text() -> str:
    return (resources.files("warehouse.tables") / FILE).read_text(encoding="utf-8")


@cache
def listed() -> tuple[Figure, ...]:
    """Every figure of the list. Raises TypeError for an entry that lacks a field or has one that is not known."""
    return tuple(Figure(**entry) for entry in tomllib.loads(_text()).get("figure", []))


def of(ticker: str) -> tuple[Figure, ...]:
    return tuple(figure for figure in listed() if figure.ticker == ticker)


def fingerprint() -> str:
    """What changes when the list does: documents are then read again."""
    return hashlib.sha256(_text().encode()).hexdigest()[:8]
