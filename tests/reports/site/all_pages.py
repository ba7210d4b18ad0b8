"""Every page of the site with its blocks, for tests that look at all of them; a run reads them module by module."""

from __future__ import annotations

from warehouse.reports.site import discover
from warehouse.reports.site.page import Content, Page, Reader


def pages_of(reader: Reader) -> list[tuple[Page, Content]]:
    return [each for name in discover.names() for each in discover.read_module(name, reader).pages]
