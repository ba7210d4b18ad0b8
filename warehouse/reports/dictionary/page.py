"""The data dictionary as a page of the documentation: contents, ready questions, then every view and table.

It is made of what `describe` says, so it cannot tell another thing than the program. Columns that every fact has, and
those that every answer has, stand once and not in each table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from warehouse.marts import all_marts
from warehouse.marts.payback.formulas import QUANTITY_FORMULAS
from warehouse.reports.dictionary.questions import questions
from warehouse.reports.dictionary.tables import SHARED, ColumnWords, TableWords, describe, names
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import GRADE_AND_REASON, PROVENANCE, Check, Column

SECTIONS = {
    "view": (
        "Views to ask first",
        "Views that put together what is asked most. Each is in `main`, so its bare name is enough.",
    ),
    "answer": (
        "Answers",
        "Tables of `marts`. A bare name is enough. Each also has the [columns of every answer](#columns-of-every-answer).",
    ),
    "facts": (
        "Facts",
        "Tables of `core`, in which several rows may speak of one thing: another day, another source. The bare name is the view "
        "of its current row. Grain, warning and queries are those of the view. Each also has the "
        "[columns of every fact](#columns-of-every-fact).",
    ),
    "record": ("Checks, documents and runs", "What a run did, and what it found. These need their schema in a query."),
}


def page() -> str:
    """The page as Markdown."""
    described, fact = [describe(name) for name in names()], describe("core.companies")
    parts = [
        "# Data dictionary",
        "",
        "Made from the declarations by `make docs`; do not edit. Shares and returns are fractions, dates are DATE, times are UTC.",
        "`overbuild sql --describe TABLE` prints the same of one table.",
        "",
        *_contents(described),
        *_questions(),
        "",
        "## Quantities",
        "",
        "Where the rows of a column are of several quantities, these are their formulas:",
        "",
        "| quantity | formula |",
        "|---|---|",
        *(
            f"| `{name}` | {each.words}: `{each.symbols}` (method {each.method}) |"
            for name, each in QUANTITY_FORMULAS.items()
        ),
        "",
        "## Columns of every fact",
        "",
        *_columns(_named(fact, PROVENANCE)),
        *(line for column in fact.columns if column.name in ("grade", "source_kind") for line in _values(column)),
        "",
        "## Columns of every answer",
        "",
        *_columns(_named(describe("verdict"), GRADE_AND_REASON)),
    ]
    for kind, (title, about) in SECTIONS.items():
        parts += ["", f"## {title}", "", about]
        for table in described:
            if table.kind == kind:
                parts += _table(table)
    return "\n".join(parts) + "\n"


def full_name(table: TableWords) -> str:
    """The name with its schema, for a table; that of a view is bare."""
    schema = {"answer": "marts.", "facts": "core."}.get(table.kind, "")
    return f"{schema}{table.name}"


def _contents(described: Iterable[TableWords]) -> list[str]:
    parts = ["## What there is", ""]
    for kind, (title, _) in SECTIONS.items():
        parts += [f"**{title}**", "", "| name | what it holds |", "|---|---|"]
        parts += [
            f"| [{table.name}](#{full_name(table).replace('.', '')}) | {_cell(_first_sentence(table.meaning))} |"
            for table in described
            if table.kind == kind
        ]
        parts.append("")
    return parts


def _questions() -> list[str]:
    parts = [
        "## Ready questions",
        "",
        "`overbuild sql --question NAME` answers one; `--param NAME=VALUE` changes a parameter from its default.",
        "",
        "| name | question | parameters |",
        "|---|---|---|",
    ]
    for each in questions().values():
        given = "; ".join(
            f"`{p.name}` ({p.meaning}): {p.type}" + ("" if p.default is None else f", `{p.default}` unless given")
            for p in each.parameters
        )
        parts.append(f"| `{each.name}` | {_cell(each.asks)} | {_cell(given)} |")
    return parts


def _table(table: TableWords) -> list[str]:
    parts = ["", f"### {full_name(table)}", "", _sentence(table.meaning), "", table.grain]
    if table.key:
        parts[-1] += f" Key: {', '.join(f'`{name}`' for name in table.key)}."
    if table.do_not_sum:
        parts += ["", f"**Do not sum** {table.do_not_sum}"]
    parts += ["", *_columns(table.own_columns)]
    for column in table.columns:
        if column.name not in SHARED:
            parts += _values(column)
    parts += ["", "Queries to start from:", "", "```sql"]
    parts += [f"-- {question}\n{sql};" for question, sql in table.examples.items()]
    parts.append("```")
    if checks := _checks().get(full_name(table)):
        parts += ["", "Checks:", ""]
        parts += [f"- `{each.name}` ({_does(each)}): {each.protects}" for each in checks]
    return parts


def _values(column: ColumnWords) -> list[str]:
    if not column.values:
        return []
    return ["", f"Values of `{column.name}`:", "", *(f"- `{value}`: {said}" for value, said in column.values.items())]


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".")


def _columns(columns: Iterable[ColumnWords]) -> list[str]:
    parts = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for column in columns:
        said = f"{column.meaning}. Computed: {column.formula}" if column.formula else column.meaning
        parts.append(f"| `{column.name}` | {column.type} | {column.unit or ' '} | {_cell(said)} |")
    return parts


def _named(table: TableWords, like: Iterable[Column]) -> list[ColumnWords]:
    """The columns of a table that have the names of some others."""
    wanted = {column.name for column in like}
    return [column for column in table.columns if column.name in wanted]


def _checks() -> Mapping[str, tuple[Check, ...]]:
    tables = [*CORE.values(), *(mart.table for mart in all_marts().values()), *SYSTEM.values()]
    return {table.full_name: table.checks for table in tables}


def _does(check: Check) -> str:
    return "quarantines rows" if check.quarantines or check.quarantines_compared else check.severity


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
