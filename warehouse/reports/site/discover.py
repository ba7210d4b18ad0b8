"""Finds the pages in `pages/` and reads what stands on them; nothing lists them, so a new page is one new file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from warehouse.reports.site import pages
from warehouse.reports.site.page import Content, Page, Reader


@dataclass
class Site:
    """All pages with what stands on them, in the order of the navigation."""

    pages: list[tuple[Page, Content]] = field(default_factory=list)
    outside: list[Page] = field(default_factory=list)

    @property
    def navigation(self) -> list[Page]:
        every = [*(page for page, _ in self.pages), *self.outside]
        return sorted((page for page in every if page.place is not None), key=lambda page: (page.place, page.path))


def modules() -> Iterator[Any]:
    """The modules of pages, by name."""
    for info in sorted(pkgutil.iter_modules(pages.__path__), key=lambda info: info.name):
        yield importlib.import_module(f"{pages.__name__}.{info.name}")


def read(reader: Reader) -> Site:
    """Every page with its blocks. A module has `PAGE` and `content(reader)`, or `family(reader)` for several pages."""
    site = Site()
    for module in modules():
        if hasattr(module, "family"):
            site.pages += [(page, list(content)) for page, content in module.family(reader)]
        if hasattr(module, "PAGE"):
            site.pages.append((module.PAGE, list(module.content(reader))))
        site.outside += list(getattr(module, "OUTSIDE", ()))
    paths = [page.path for page, _ in site.pages]
    doubled = {path for path in paths if paths.count(path) > 1}
    if doubled:
        raise ValueError(f"two pages have the path {', '.join(sorted(doubled))}")
    return site
