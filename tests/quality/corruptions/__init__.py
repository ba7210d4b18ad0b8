"""Every way in which we know how to corrupt the facts, as data: one file a table, found by itself.

A check that never fired may be one that cannot fire. So each kind takes the packaged snapshot (or a live body), breaks it
in one way, and says which check must catch it, what comes of it, and what its message must name. `harness` sends it along
the way of every document. The results, in the order of how far a corruption comes: `refused` stops the run, `left_out`
leaves a live document out, `quarantined` keeps the row out of `core`, `critical` stops the run after loading, `warning` is
published and shown, `accepted` is no corruption at all.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.quality.corruptions.changes import Kind

# The harness imports Great Expectations, which takes seconds, and declares no kinds.
_NAMES = [info.name for info in pkgutil.iter_modules(__path__) if info.name != "harness"]
MODULES = [importlib.import_module(f"{__name__}.{name}") for name in _NAMES]
KINDS: tuple[Kind, ...] = tuple(kind for module in MODULES for kind in getattr(module, "KINDS", ()))
