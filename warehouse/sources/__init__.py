"""Where facts come from: one file a source, found by itself. Each file defines `SOURCES`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from warehouse.sources.common.source import Source


@cache
def all_sources() -> tuple[Source, ...]:
    """Every source, by name."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found = (source for module in modules for source in getattr(module, "SOURCES", ()))
    return tuple(sorted(found, key=lambda source: source.name))
