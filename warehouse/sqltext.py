"""How names and texts are written into SQL, in one place, so that no apostrophe or double quote ends one early."""

from __future__ import annotations

from collections.abc import Iterable


def identifier(name: str, of: str = "") -> str:
    """A column or table as SQL writes it; `of` is the alias it belongs to."""
    quoted = '"' + name.replace('"', '""') + '"'
    return f"{of}.{quoted}" if of else quoted


def identifiers(names: Iterable[str], of: str = "") -> str:
    """Several names, with commas between them."""
    return ", ".join(identifier(name, of) for name in names)


def literal(value: object) -> str:
    """A text, a path or anything else that reads as text (a date in ISO 8601), as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def literals(values: Iterable[object]) -> str:
    """Several literals, with commas between them."""
    return ", ".join(literal(value) for value in values)
