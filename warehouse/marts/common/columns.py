"""Columns and checks that the marts of several subjects share, each declared once."""

from __future__ import annotations

from dataclasses import replace

from warehouse.marts.common.scopes import SCOPE_MEANINGS
from warehouse.tables.table import Check, Column

SCOPE = Column("scope", "text", "ticker, or ALL for the group of four", required=True, allowed=SCOPE_MEANINGS)

# Of rows that may have no figure, and of rows that exist only because of their facts.
KNOWN_ON_OR_NULL = Column("known_on", "date", "day on which the newest fact behind the row became public")
KNOWN_ON = replace(KNOWN_ON_OR_NULL, required=True)


def says_why(name: str, null: str, protects: str) -> Check:
    """The check that a row has a reason where the SQL condition `null` says that a figure of it is missing."""
    return Check(name, f"select * from {{table}} where ({null}) and reasons is null", protects)
