"""No module of the program imports another in a circle, wherever in a file the import stands.

The contracts of `lint-imports` hold the rooms apart and see no circle between two modules of one folder. An import within
a function counts, too: it only moves the circle to the moment when the function is called.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

PROJECT = Path(__file__).parent.parent
PACKAGES = ("warehouse", "flows")


def require_no_circle(graph: grimp.ImportGraph) -> None:
    """Raises CycleError with the modules of a circle."""
    TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in sorted(graph.modules)}).prepare()


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def test_every_module_is_looked_at(graph: grimp.ImportGraph) -> None:
    files = [path for package in PACKAGES for path in (PROJECT / package).rglob("*.py")]
    names = {".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__") for path in files}
    assert names == graph.modules


def test_no_module_imports_another_in_a_circle(graph: grimp.ImportGraph) -> None:
    require_no_circle(graph)


def test_a_circle_would_be_found(graph: grimp.ImportGraph) -> None:
    """The one that was there: the checks asked Great Expectations, which asked the checks."""
    graph.add_import(importer="warehouse.quality.checks", imported="warehouse.quality.validate")
    with pytest.raises(CycleError, match=r"warehouse\.quality\.validate"):
        require_no_circle(graph)
    graph.remove_import(importer="warehouse.quality.checks", imported="warehouse.quality.validate")


def test_an_import_within_a_function_counts(graph: grimp.ImportGraph) -> None:
    assert "warehouse.quality.validate" in graph.find_modules_directly_imported_by("warehouse.pipeline.check")


def test_no_subject_of_the_marts_imports_another_in_a_circle(graph: grimp.ImportGraph) -> None:
    """Two folders that import each other have no order to read them in, even where no two of their files do."""
    marts = "warehouse.marts."
    subjects: dict[str, set[str]] = {}
    for module in graph.modules:
        if module.startswith(marts):
            subject = module.removeprefix(marts).partition(".")[0]
            imported = {m for m in graph.find_modules_directly_imported_by(module) if m.startswith(marts)}
            others = {m.removeprefix(marts).partition(".")[0] for m in imported} - {subject}
            subjects.setdefault(subject, set()).update(others)
    assert len(subjects) > 8
    TopologicalSorter(subjects).prepare()
