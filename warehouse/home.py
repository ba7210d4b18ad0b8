"""The two settings that say where everything is, read without the others.

A query needs to know where the warehouse lies and nothing else. Reading and checking all settings takes as long as
importing DuckDB, and a wrong address of a live source is no reason to refuse a query. Whatever is unusual here is left to
`warehouse.settings`, which says what is wrong with it. A test holds that both agree.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

FILE = "overbuild.toml"
PREFIX = "OVERBUILD_"


@dataclass(frozen=True)
class Places:
    """OVERBUILD_HOME and OVERBUILD_WAREHOUSE."""

    home: Path = Path("data")
    warehouse: str | None = None


def places() -> Places | None:
    """Where everything is; None where only all settings together can tell."""
    named = {f"{PREFIX}{name}".upper(): name for name in ("home", "warehouse")}
    if any(name.upper() in {f"{each}_FILE" for each in named} for name in os.environ):
        return None
    given: dict[str, object] = {}
    if Path(FILE).exists():
        import tomllib

        try:
            said = tomllib.loads(Path(FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        given = {name: said[name] for name in named.values() if name in said}
    given |= {named[name.upper()]: value for name, value in os.environ.items() if name.upper() in named}
    if not all(isinstance(value, str) and value.strip() == value and value for value in given.values()):
        return None
    home, warehouse = given.get("home", "data"), given.get("warehouse")
    return Places(Path(str(home)), None if warehouse is None else str(warehouse))
