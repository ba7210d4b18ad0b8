"""Every table of facts, quality and provenance, one file each. Marts declare theirs beside their formula.

A new file here is found by itself: it only has to define `TABLE`.
"""

from __future__ import annotations

import importlib
import pkgutil

from warehouse.tables.table import Check, Column, Table

__all__ = ["CORE", "SYSTEM", "Check", "Column", "Table"]


def _declared() -> dict[str, Table]:
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    tables = (module.TABLE for module in modules if hasattr(module, "TABLE"))
    return {table.name: table for table in sorted(tables, key=lambda table: table.full_name)}


CORE: dict[str, Table] = {name: table for name, table in _declared().items() if table.schema == "core"}
SYSTEM: dict[str, Table] = {name: table for name, table in _declared().items() if table.schema != "core"}
