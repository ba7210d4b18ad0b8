"""The questions of the method, one file each: what it asks, its verdicts, its rule, its conditions and its sentence.

A new file here is found by itself: it only has to define `QUESTION` (see `warehouse.marts.verdict.question`).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from warehouse.marts.verdict.question import Question


@cache
def questions() -> dict[str, Question]:
    """Every question by name, in order; those that rest on others come last."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found: list[Question] = [module.QUESTION for module in modules]
    return {each.name: each for each in sorted(found, key=lambda each: (bool(each.concludes_from), each.name))}
