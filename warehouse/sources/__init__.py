"""Where facts come from: one file a source, found by itself. Each file defines `SOURCES`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from warehouse.sources.common.source import Document, Source


@cache
def all_sources() -> tuple[Source, ...]:
    """Every source, by name."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found = (source for module in modules for source in getattr(module, "SOURCES", ()))
    return tuple(sorted(found, key=lambda source: source.name))


def read_apart(source: str, document: Document) -> Any:
    """What a document holds, read by itself and maybe by another machine (`Source.together`). Raises as its parser does."""
    together = next(each.together for each in all_sources() if each.name == source)
    if together is None:
        raise ValueError(f"{source} does not read documents by themselves")
    return together.read(document)
