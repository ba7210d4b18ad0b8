"""Which XBRL tags stand for which measure, in order of preference: the one list of them (sec_tags.toml).

The source reads the tags that it names. Whoever has to choose between figures of two tags of a measure takes the one
that it names first. This holds for the view of `core.company_facts`, the selection of current rows and the quarters.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import polars as pl

from warehouse.tables.table import Listed

FILE = "sec_tags.toml"
COMPANIES = "companies"


@dataclass(frozen=True)
class Measure:
    """A measure of core.company_facts, its tags as taxonomy and name in order of preference, over a period or not."""

    name: str
    is_flow: bool
    tags: tuple[tuple[str, str], ...]


@cache
def _text() -> str:
    return (resources.files("warehouse.tables") / FILE).read_text(encoding="utf-8")


@cache
def listed() -> dict[str, Any]:
    return tomllib.loads(_text())


def fingerprint() -> str:
    """What changes when the list does: documents are then read again."""
    return hashlib.sha256(_text().encode()).hexdigest()[:8]


def tags(ticker: str) -> tuple[Measure, ...]:
    """The measures and their tags, as the list has them for a company."""
    own = listed().get(COMPANIES, {}).get(ticker, {})
    return tuple(
        Measure(name, entry["kind"] == "flow", tuple(_split(full) for full in own.get(name, entry["tags"])))
        for name, entry in listed().items()
        if name != COMPANIES
    )


def _split(full: str) -> tuple[str, str]:
    taxonomy, _, tag = full.partition(":")
    return taxonomy, tag


def order() -> tuple[Listed, ...]:
    """What breaks a tie between rows of one measure: a company's own list where it has one, then everybody's."""
    of_companies = [
        (ticker, measure, tag)
        for ticker, lists in listed().get(COMPANIES, {}).items()
        for measure, own in lists.items()
        for tag in own
    ]
    of_all = [(measure, tag) for measure, entry in listed().items() if measure != COMPANIES for tag in entry["tags"]]
    orders = Listed(("ticker", "measure", "tag"), tuple(of_companies)), Listed(("measure", "tag"), tuple(of_all))
    return tuple(each for each in orders if each.values)


def in_use() -> pl.Expr:
    """Rows whose tag stands for their measure: not those that a company's own list has put out of use.

    `core` keeps what was loaded before a line was added; what was read from a release has no tag.
    """
    own = [
        (pl.col("ticker") == ticker) & (pl.col("measure") == measure) & ~pl.col("tag").is_in([*tags_of_it, ""])
        for ticker, lists in listed().get(COMPANIES, {}).items()
        for measure, tags_of_it in lists.items()
    ]
    return ~pl.any_horizontal(pl.lit(False), *own)
