"""The warehouse: where facts come from, how they are declared, checked, kept and turned into answers.

For programs, `import warehouse` gives what `warehouse.api` holds: `open`, `verdict`, `trace`, `sql` and `table`. Whoever
imports it for one of the rooms below pays for none of that: it is imported when it is first asked for. `__init__.pyi` names
the same for editors and type checkers.
"""

__version__ = "0.1.0"
__all__ = ["UsageError", "open", "sql", "table", "trace", "verdict"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'warehouse' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("warehouse.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
