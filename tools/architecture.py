"""Make docs/architecture.md from the code itself: the rooms, their arrows, and the way of a figure through them.

    python tools/architecture.py           write the page
    python tools/architecture.py --check   exit 1 where it is stale

A picture that is drawn by hand is wrong within a month. The arrows here are counted from the imports. The two ways are
lists of functions, and the page cannot be made where one of them is gone.
"""

from __future__ import annotations

import ast
import sys
import tomllib

import grimp

from tools.pages import ROOT, written

PAGE = ROOT / "docs" / "architecture.md"
RULES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
[LAYERS] = [contract["layers"] for contract in RULES["contracts"] if contract["type"] == "layers"]
ROOMS = [room.strip() for layer in LAYERS for room in layer.split("|")]

_INGESTED = (
    "warehouse.fetching.client:Online.get",
    "warehouse.fetching.attempt:Sender.ask",
    "warehouse.fetching.body:receive",
    "warehouse.fetching.archive:keep",
    "warehouse.pipeline.ingest:ingest",
)
_LOADED = (
    "warehouse.database.loading:provenance",
    "warehouse.database.staging:Staging.one_document",
    "warehouse.pipeline.quarantine:check_new_rows",
    "warehouse.quality.validate:validate",
    "warehouse.pipeline.quarantine:quarantine",
    "warehouse.database.loading:load",
    "warehouse.pipeline.check:check_facts",
    "warehouse.pipeline.build:build_marts",
    "warehouse.marts:build",
)
_ANSWERED = (
    "warehouse.marts.verdict.decision:decide",
    "warehouse.marts.verdict.verdict:build",
    "warehouse.pipeline.check:check_marts",
    "warehouse.pipeline.publish:write_pages",
    "warehouse.pipeline.publish:publish",
)
WAYS: dict[str, tuple[str, ...]] = {
    "a price bar": (
        *_INGESTED,
        "warehouse.sources.yahoo:read",
        "warehouse.sources.common.daily_bars:HistoryRows.bar",
        *_LOADED,
        "warehouse.marts.market.returns:daily_returns",
        "warehouse.marts.market.event_study:build",
        "warehouse.marts.verdict.questions.q4_market:conditions",
        *_ANSWERED,
    ),
    "a filing figure": (
        *_INGESTED,
        "warehouse.sources.common.companyfacts:joined",
        *_LOADED,
        "warehouse.marts.capex.filed_periods:over_periods",
        "warehouse.marts.capex.quarters_by_difference:quarters",
        "warehouse.marts.capex.capex_quarterly:build",
        "warehouse.marts.capex.capex_group:build",
        "warehouse.marts.verdict.questions.q3_payback:conditions",
        *_ANSWERED,
    ),
}
"""What touches a figure, in the order in which it happens."""


def page() -> str:
    """The whole page as Markdown."""
    counts = arrows()
    parts = [
        "# Architecture",
        "",
        "Made from the code by `make docs`; do not edit.",
        "",
        "Data go one way: a source yields documents, and the archive keeps each under its hash before anything reads it.",
        "A document becomes typed rows. The rows wait in staging until the checks let them into `core`. Marts are pure",
        "functions of `core`. What the checks accept is published in one step: warehouse, site and quality pages together.",
        "",
        "## The rooms",
        "",
        "A room knows nothing of the rooms above it; `lint-imports` holds that, and `tests/test_contracts.py` breaks each",
        "arrow on purpose. An arrow means that the upper room imports the lower one. Arrows that follow from others are left",
        "out of the picture; the table counts them all.",
        "",
        "```mermaid",
        "flowchart TD",
        *(f'  {_id(room)}["{_label(room)}"]' for room in ROOMS),
        *(f"  {_id(upper)} --> {_id(lower)}" for upper, lower in reduced(counts)),
        "```",
        "",
        "| room | what is there | imports, with their number |",
        "|---|---|---|",
        *(f"| `{room}` | {summary(room)} | {_imports(room, counts)} |" for room in ROOMS),
        "",
    ]
    for what, way in WAYS.items():
        parts += [f"## The way of {what}", "", "| | function | what it does |", "|---|---|---|"]
        parts += [f"| {number} | `{step}` | {docstring(step)} |" for number, step in enumerate(way, 1)]
        parts += [""]
    return "\n".join(parts).rstrip("\n") + "\n"


def arrows() -> dict[tuple[str, str], int]:
    """How many imports run from one room to another."""
    graph = grimp.build_graph(*RULES["root_packages"], cache_dir=None)
    found: dict[tuple[str, str], int] = {}
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            pair = room_of(importer), room_of(imported)
            if pair[0] and pair[1] and pair[0] != pair[1]:
                found[pair] = found.get(pair, 0) + 1  # type: ignore[index]
    return found


def room_of(module: str) -> str | None:
    return next((room for room in ROOMS if module == room or module.startswith(f"{room}.")), None)


def reduced(counts: dict[tuple[str, str], int]) -> list[tuple[str, str]]:
    """The arrows without those that follow from a chain of others."""
    below: dict[str, set[str]] = {room: {lower for upper, lower in counts if upper == room} for room in ROOMS}

    def reaches(start: str, end: str) -> bool:
        return any(lower == end or reaches(lower, end) for lower in below[start])

    return [pair for pair in counts if not any(reaches(lower, pair[1]) for lower in below[pair[0]] - {pair[1]})]


def summary(room: str) -> str:
    """The first sentence or line of a room's docstring."""
    place = ROOT.joinpath(*room.split("."))
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return _first(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), room)


def docstring(step: str) -> str:
    """The first line of the docstring of `module:function` (or `module:Class.method`). Raises SystemExit where it is gone."""
    module, _, name = step.partition(":")
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    if not path.exists():
        path = ROOT.joinpath(*module.split("."), "__init__.py")
    node: ast.AST = ast.parse(path.read_text(encoding="utf-8"))
    for part in name.split("."):
        found = [n for n in ast.iter_child_nodes(node) if getattr(n, "name", None) == part]
        if not found:
            raise SystemExit(f"tools/architecture.py: {step} is gone; name the function that does its work now.")
        node = found[0]
    return _first(ast.get_docstring(node), step)  # type: ignore[arg-type]


def _first(text: str | None, what: str) -> str:
    if not text:
        raise SystemExit(f"{what} has no docstring")
    return " ".join(text.split("\n\n")[0].split()).replace("|", "/")


def _id(room: str) -> str:
    return room.replace(".", "_")


def _label(room: str) -> str:
    return room.removeprefix("warehouse.")


def _imports(room: str, counts: dict[tuple[str, str], int]) -> str:
    return ", ".join(f"{_label(lower)} {count}" for (upper, lower), count in counts.items() if upper == room) or "none"


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        raise SystemExit(__doc__)
    raise SystemExit(written({PAGE: page()}, check="--check" in sys.argv))
