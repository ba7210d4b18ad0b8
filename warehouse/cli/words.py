"""What there is to ask, for a person at a terminal: a table's description, the list of tables, the ready questions."""

from __future__ import annotations

import textwrap
from dataclasses import asdict

from warehouse.cli import output
from warehouse.cli.answers import SqlFormat
from warehouse.cli.layout import laid_out
from warehouse.errors import UsageError
from warehouse.reports.dictionary import tables
from warehouse.reports.dictionary.questions import Parameter, questions


def write_description(name: str, form: SqlFormat = SqlFormat.table) -> None:
    """What a table or view is: its grain, columns with units and values, what not to sum, queries that run."""
    found = tables.describe(name)
    if form is SqlFormat.json:
        output.write_objects([asdict(found)])
        return
    _only(form)
    width = min(output.width_of_terminal(), 120)
    lines = [f"{found.name}: {found.meaning}", "", found.grain]
    if found.do_not_sum:
        lines.append(f"Do not sum {found.do_not_sum}")
    lines = [part for line in lines for part in (textwrap.wrap(line, width, break_long_words=False) or [""])]
    rows = [[column.name, column.type, column.unit, column.meaning] for column in found.columns]
    lines += ["", *laid_out(["column", "type", "unit", "meaning"], rows, width, everything=True, null="").lines]
    for column in found.columns:
        if column.values:
            rows = [[value, meaning] for value, meaning in column.values.items()]
            lines += ["", f"Values of {column.name}", *laid_out(["value", "meaning"], rows, width).lines]
    for asks, query in found.examples.items():
        lines += ["", f"-- {asks}", query.strip()]
    output.write_lines([*lines, ""])


def write_questions(form: SqlFormat = SqlFormat.table) -> None:
    """The ready questions, with the parameters that each takes."""
    found = list(questions().values())
    if form is SqlFormat.json:
        output.write_objects([asdict(each) for each in found])
        return
    _only(form)
    rows = [[each.name, each.asks, "\n".join(map(_parameter, each.parameters))] for each in found]
    lines = laid_out(["question", "what it asks", "parameters"], rows, output.width_of_terminal(), null="").lines
    output.write_lines([*lines, "", "overbuild sql --question NAME --param NAME=VALUE", ""])


def _parameter(each: Parameter) -> str:
    return f"{each.name}={'...' if each.default is None else each.default}"


def write_tables() -> None:
    """Every name that a query can use, those first that a reader needs first."""
    rows = [
        [found.name, tables.USE[found.kind], found.grain or found.meaning]
        for found in map(tables.describe, tables.names())
    ]
    output.write_lines([*laid_out(["table", "use", "one row is"], rows, output.width_of_terminal(), null="").lines, ""])


def _only(form: SqlFormat) -> None:
    if form is not SqlFormat.table:
        raise UsageError(f"--format {form}: descriptions are written as table or json.")
