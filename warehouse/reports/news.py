"""What changed since the last run, in the few lines that a person reads at six in the morning.

The rows are those of a comparison (`warehouse.reports.diff`), as `overbuild diff` shows them whole and a run records
them. Here they are cut to what is news: verdicts, what they were made with, and conditions that turned. Then come the
figures that moved most, and how many rows of which table. That nothing changed is news, too, and is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from warehouse.reports.values import changed_by, readable

FIGURES, CONDITIONS, TABLES = 5, 3, 6
LONGEST = 40  # characters of a text that is shown
MADE_WITH = {"overbuild": "the program", "program_sha256": "the program", "assumptions_sha256": "the assumptions",
             "polars": "a library", "numpy": "a library", "scipy": "a library"}  # fmt: skip
Row = Mapping[str, Any]


def in_short(rows: Sequence[Row], new_facts: Mapping[str, int] | None = None) -> list[str]:
    """A line for each thing that changed, the verdicts first; one line that says so where nothing did.

    `rows` are those of a comparison. `new_facts` are new rows of `core` by table, where they are known.
    """
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    counted = _rows_by_table(kinds.get("table", []))
    lines = [f"{_place(row)}: {_said(row['before'])} -> {_said(row['after'])}" for row in kinds.get("verdict", [])]
    facts = {name: count for name, count in (new_facts or {}).items() if count}
    if not (lines or counted or kinds.get("condition") or kinds.get("figure") or kinds.get("row")):
        lines.append("Nothing changed: every verdict, figure and row is that of the run before.")
    elif not lines:
        lines.append("No verdict changed.")
    lines += made_with(kinds.get("made_with", []))
    if facts:
        lines.append(f"New facts: {', '.join(f'{count:,} {name}' for name, count in facts.items())}.")
    lines += _few("Conditions that turned", kinds.get("condition", []), CONDITIONS, _turned)
    lines += _few("Figures that moved most", kinds.get("figure", [])[:FIGURES], FIGURES, _moved)
    lines += counted
    return lines


def made_with(rows: Sequence[Row]) -> list[str]:
    """That the program or its assumptions changed, so that not every difference comes from a new fact."""
    made = list(dict.fromkeys(MADE_WITH[row["column_name"]] for row in rows if row["column_name"] in MADE_WITH))
    if not made:
        return []
    said = " and ".join(filter(None, [", ".join(made[:-1]), made[-1]]))
    return [f"{said[:1].upper()}{said[1:]} changed, too: not every difference comes from a new fact."]


def _few(heading: str, rows: Sequence[Row], most: int, said: Any) -> list[str]:
    if not rows:
        return []
    count = f" ({most} of {len(rows):,})" if len(rows) > most else ""
    return [f"{heading}{count}:", *(f"  {said(row)}" for row in rows[:most])]


def _turned(row: Row) -> str:
    return f"{_place(row)}: {_holds(row['before'])} -> {_holds(row['after'])}"


def _holds(value: Any) -> str:
    return {True: "holds", False: "does not hold"}.get(value, "unknown")


def _moved(row: Row) -> str:
    table = str(row["table_name"]).removeprefix("marts.")
    share = row.get("change_share")
    change = "" if share is None else f" ({changed_by(share)})"
    return f"{table}.{row['column_name']}, {_place(row)}: {_said(row['before'])} -> {_said(row['after'])}{change}"


def _rows_by_table(rows: Sequence[Row]) -> list[str]:
    """How many rows of each table are new, changed or gone, the tables nearest to the answer first."""
    counts: dict[str, list[str]] = {}
    figures = 0
    for row in rows:
        if row["column_name"]:
            figures += row["rows"] or 0
        elif row["rows"]:
            counts.setdefault(str(row["table_name"]).removeprefix("marts."), []).append(
                f"{row['rows']:,} {row['change']}"
            )
    if not counts:
        return []
    said = [f"{table} {', '.join(found)}" for table, found in counts.items()]
    more = f"; and {len(said) - TABLES} more tables" if len(said) > TABLES else ""
    return [f"Rows ({figures:,} figures in them): {'; '.join(said[:TABLES])}{more}."]


def _place(row: Row) -> str:
    return " ".join(str(value) for value in row["key"].values() if value is not None)


def _said(value: Any) -> str:
    if value is None:
        return "none"
    text = readable(value).replace("_", " ") if isinstance(value, str) else readable(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
