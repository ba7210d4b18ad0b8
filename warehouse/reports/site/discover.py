"""Finds the pages in `pages/` and reads what stands on them; nothing lists them, so a new page is one new file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from warehouse.reports import addresses
from warehouse.reports.lineage import named
from warehouse.reports.site import pages
from warehouse.reports.site.blocks import figures
from warehouse.reports.site.page import Content, Page, Reader

Rows = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Rows of the warehouse: by table, by the file of the row's page, its key."""


@dataclass
class Module:
    """The pages of one file in `pages/`, and what was read for them (tables, or the run itself).

    `opens` are the rows that the figures of each page lead to, by the page's path.
    """

    pages: list[tuple[Page, Content]] = field(default_factory=list)
    outside: list[Page] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    opens: dict[str, Rows] = field(default_factory=dict)


def navigation(every: Iterable[Page]) -> list[Page]:
    """The pages that stand in the navigation, in its order."""
    placed = [(page.place, page.path, page) for page in every if page.place is not None]
    return [page for *_, page in sorted(placed, key=lambda each: each[:2])]


def names() -> list[str]:
    """The modules of pages."""
    return sorted(info.name for info in pkgutil.iter_modules(pages.__path__))


def read_module(name: str, reader: Reader) -> Module:
    """The pages of a module, with all that they are made of.

    A module has `PAGE` and `content(reader)`, or `family(reader)` for several pages.
    """
    found = Module()
    module: Any = importlib.import_module(f"{pages.__name__}.{name}")
    reader.watched.noted = found.read
    if hasattr(module, "family"):
        found.pages += [(page, list(content)) for page, content in module.family(reader)]
    if hasattr(module, "PAGE"):
        found.pages.append((module.PAGE, list(module.content(reader))))
    found.outside += list(getattr(module, "OUTSIDE", ()))
    for page, content in found.pages:
        found.opens[page.path] = _opened_by(content)
        found.read.update(found.opens[page.path])  # what a page shows of a row is read when it is drawn
    return found


def _opened_by(content: Content) -> Rows:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for figure, _ in figures(list(content)):
        table = named(figure.table)
        key = {name: figure.key[name] for name in addresses.key_columns(table)}
        found.setdefault(table.full_name, {})[addresses.file_name(table, key)] = key
    return found


def check(every: Sequence[Page]) -> None:
    """Raises ValueError where two pages have one path."""
    paths = [page.path for page in every]
    doubled = {path for path in paths if paths.count(path) > 1}
    if doubled:
        raise ValueError(f"two pages have the path {', '.join(sorted(doubled))}")
