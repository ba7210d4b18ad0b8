"""The pages that figures open into: one for each row of a mart that the report shows, with a place for each column.

A page says what the figure is and how it was computed, with this row's own numbers. It has the judgements that it takes,
the facts behind it and the documents in which they stand. It names the command that shows the same. There are thousands of them,
so each is small: one stylesheet and one script beside them, and no word more than is needed.

What is computed from few enough inputs carries them along, and the page computes it again where it is read
(`recompute`). A reader who has changed a file, or a program that wrote a wrong one, is found out by the page itself.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from warehouse import files, sqltext
from warehouse.database.connection import Connection
from warehouse.reports.addresses import DIGEST, FOLDER, file_name, folder_of, href
from warehouse.reports.labels import (
    assumed,
    column_label,
    facts_value,
    in_full,
    row_label,
    spoken,
    table_label,
    unit_of,
    worded,
)
from warehouse.reports.lineage import as_of_date, traceable
from warehouse.reports.opened import Facts, Opened, opened
from warehouse.reports.site.inputs import Fingerprints
from warehouse.reports.site.page import Page
from warehouse.reports.site.recompute import Recomputed, embedded
from warehouse.reports.site.render import environment
from warehouse.tables.formula import Formula
from warehouse.tables.table import GRADE_AND_REASON, Column, Table

TEMPLATES = Path(__file__).parent / "templates"
LISTS = "lists"  # the folder of lists that several rows share
UNSHOWN = ("texts", "json")
SHARED_FROM = 500  # letters of a list; a shorter one stands on each page
ANSWERS = 100  # pages up to this place are linked from each of thousands; the contents lead to data, method and words


@dataclass(frozen=True)
class Around:
    """What stands around each page of a figure: the line about the day (`day_of`), and the pages of the report."""

    day: str = ""
    navigation: Sequence[Page] = ()
    dated: bool = False


def day_of(shell: Mapping[str, Any]) -> Markup:
    """The line about the day of the answer and its oldest source, from what all pages share (`write.shell_of`)."""
    names = ("as_of", "ages", "overridden")
    return Markup(_template("figure_day.html.j2").render({name: shell.get(name) for name in names}))


def pages(
    connection: Connection, wanted: Mapping[str, Iterable[Mapping[str, Any]]], around: Around | None = None
) -> Iterator[tuple[str, str]]:
    """The address from the site's root, and the HTML, of each row asked for by table and key.

    Lists of facts that several rows share are pages too, so that two hundred rows do not repeat the same five hundred
    facts.
    """
    asked = {name: list(keys) for name, keys in wanted.items()}
    as_of = as_of_date(connection)
    around = around or Around(day_of({"as_of": as_of}))
    every = list(opened(connection, asked))
    existing = {href(one.table, one.row) for one in every}
    linked = [page for page in around.navigation if (page.place or 0) <= ANSWERS]
    contents = Markup(_template("figure_contents.html.j2").render(navigation=linked))
    about = {"as_of": as_of, "existing": existing, "day": around.day, "contents": contents, "dated": around.dated}
    lists = _Lists(every, about)
    again = Recomputed(connection, every)
    template = _template("figure.html.j2")
    for one in every:
        yield href(one.table, one.row), template.render(_values(one, about, lists), again=Markup(_again(again, one)))
    yield from lists.pages.items()


@dataclass
class Written:
    """How many pages of figures were written anew, and how many were taken from the release before."""

    changed: int = 0
    kept: int = 0


def write(
    folder: Path,
    connection: Connection,
    wanted: Mapping[str, Iterable[Mapping[str, Any]]],
    last: Path | None = None,
    around: Around | None = None,
) -> Written:
    """Write the pages of all rows asked for into the folder of a site; those that `last` holds alike are linked."""
    asked = {name: list(keys) for name, keys in wanted.items()}
    done = Written()
    for address, html in pages(connection, asked, around):
        held = last / address if last else None
        if held and held.is_file() and held.read_bytes() == html.encode("utf-8", "surrogatepass"):
            _link(held, folder / address)
            done.kept += 1
        else:
            (folder / address).parent.mkdir(parents=True, exist_ok=True)
            (folder / address).write_bytes(html.encode("utf-8", "surrogatepass"))
            done.changed += 1
    return done


def take(folder: Path, last: Path, day: str | None = None) -> int:
    """Take all pages of figures of the release before, with another line about the day where it is given; how many."""
    found = sorted((last / FOLDER).rglob("*.html"))
    for path in found:
        target = folder / path.relative_to(last)
        if day is None:
            _link(path, target)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        before, _, after = path.read_text(encoding="utf-8").partition(_DAY)
        target.write_text(f"{before}{day}{after.partition('</p>')[2]}", encoding="utf-8")
    return len(found)


_DAY = '<p class="day">'


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    files.link(str(source), str(target))


def digest(prints: Fingerprints, names: Mapping[str, Iterable[str]], as_of: date, around: Around) -> str:
    """A hash of all that these pages are made of: every row of marts and core, the documents, and which are asked for.

    Of the day of the answer it takes what the day decides: how many facts were known. `take` mends the line about it.
    """
    found = hashlib.sha256(repr((around.navigation, around.dated)).encode())
    for name in [*sorted(traceable()), "provenance.documents"]:
        said = prints.of(name)
        if name.startswith("core.") and said:
            query = f"SELECT count(*) FROM {name} WHERE known_on <= ?"
            said += f" {prints.connection.execute(query, [as_of]).fetchone()}"
        found.update(f"{name} {said}".encode())
    for name, rows in sorted(names.items()):
        found.update(f"{name} {sorted(rows)}".encode())
    return found.hexdigest()


def _again(again: Recomputed, one: Opened) -> str:
    """What the page needs to compute its figures again; empty where it cannot."""
    inputs = again.of(one)
    return embedded(inputs) if inputs else ""


class _Lists:
    """Lists of facts and of assumptions: on the page itself, or where several rows share one, on a page of its own."""

    def __init__(self, every: Iterable[Opened], about: Mapping[str, Any]) -> None:
        self.pages: dict[str, str] = {}
        self.about = about
        self.uses: Counter[Any] = Counter()
        for one in every:
            self.uses.update(id(facts) for facts in one.facts)
            self.uses[_keys(one)] += 1
        self._made: dict[Any, tuple[Markup, str]] = {}

    def facts(self, facts: Facts) -> tuple[Markup, str]:
        """The HTML of a list, and the address of the page that has it instead, from the page of a row."""
        if id(facts) not in self._made:
            labels = [column_label(facts.table.column(name)) for name in facts.shown.says]
            html = _template("figure_facts.html.j2").render(facts=facts, columns=labels)
            self._made[id(facts)] = self._placed(facts.table.name, html, self.uses[id(facts)])
        return self._made[id(facts)]

    def assumptions(self, one: Opened) -> tuple[Markup, str]:
        if _keys(one) not in self._made:
            html = _template("figure_assumptions.html.j2").render(assumptions=_assumptions(one))
            self._made[_keys(one)] = self._placed("assumptions", html, self.uses[_keys(one)])
        return self._made[_keys(one)]

    def _placed(self, name: str, html: str, uses: int) -> tuple[Markup, str]:
        if uses < 2 or len(html) < SHARED_FROM:
            return Markup(html), ""
        file = f"{name}-{hashlib.sha256(html.encode()).hexdigest()[:DIGEST]}.html"
        said = _template("figure_list.html.j2").render(title=worded(name), html=Markup(html), **self.about)
        self.pages[f"{FOLDER}/{LISTS}/{file}"] = said
        return Markup(html), f"../{LISTS}/{file}"


def _keys(one: Opened) -> tuple[str, ...]:
    return tuple(entry["key"] for entry in one.assumptions)


@cache
def _template(name: str) -> jinja2.Template:
    made = environment()
    made.filters |= {"worded": worded, "fact": facts_value, "label": table_label}
    return made.get_template(name)


def _values(one: Opened, about: Mapping[str, Any], lists: _Lists) -> dict[str, Any]:
    html, address = lists.assumptions(one) if one.assumptions else (Markup(), "")
    return {
        "table": one.table,
        "about": _named(one.table.meaning, one.table),
        "title": table_label(one.table),
        "subject": row_label(one.table, one.row),
        "figures": [_figure(one, column) for column in shown_columns(one.table, one.row)],
        "notes": [(c.name, column_label(c), one.row[c.name]) for c in one.table.columns if c.prose and one.row[c.name]],
        "grade": one.row.get("grade") or one.row.get("evidence_grade"),
        "assumptions": _assumptions(one) if address else [],
        "assumptions_html": html,
        "assumptions_address": address,
        "inputs": [(i, [_input(i.table, row, about["existing"]) for row in i.rows]) for i in one.inputs],
        "facts": [(each, _span(each), *lists.facts(each)) for each in one.facts],
        "command": command(one.table, one.row, about["as_of"] if about["dated"] else None),
        **about,
    }


def _span(facts: Facts) -> tuple[Any, Any]:
    """The first and the last day that facts are about."""
    ends = [row[facts.shown.day] for row in facts.rows] if facts.shown.day else []
    if facts.shown.day:
        ends += [row[facts.shown.day] for group in facts.groups for row in (group.first, group.last)]
    days = [day for day in ends if day is not None]
    return (min(days), max(days)) if days else (None, None)


def shown_columns(table: Table, row: Mapping[str, Any]) -> list[Column]:
    """The columns that stand on a row's page as figures: all that hold a figure, a date or a word, or say why not."""
    common = {column.name for column in GRADE_AND_REASON}
    return [
        column
        for column in table.columns
        if column.type not in UNSHOWN
        and not column.prose
        and column.name not in common
        and column.name not in table.key
        and (row[column.name] is not None or column.formula is not None)
    ]


def _figure(one: Opened, column: Column) -> dict[str, Any]:
    value, unit = one.row[column.name], unit_of(column, one.row)
    is_number = column.type in ("real", "integer")
    whole = in_full(value) if is_number and unit != "year" else ""
    said = spoken(value, unit)
    return {
        "anchor": column.name,
        "label": column_label(column),
        "meaning": "" if column.formula or not is_number else _named(column.meaning, one.table),
        "said": said,
        "whole": whole if whole and whole not in said else "",
        "exact": exact(value) if exact(value) != said else "",
        "reason": one.row.get("reason") if value is None else None,
        "formulas": [_formula(formula, one) for formula in column.formula.for_row(one.row)] if column.formula else [],
    }


def _named(text: str, table: Table) -> str:
    """A text of a declaration for people: a column that it names is called as on the page."""
    return _COLUMN.sub(
        lambda found: f"“{column_label(table.column(found[1]))}”" if found[1] in table.names else found[1], text
    )


_COLUMN = re.compile(r"`(\w+)`")


def exact(value: Any) -> str:
    """A value as a program reads it back."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _formula(formula: Formula, one: Opened) -> dict[str, Any]:
    """A formula with its operands named, and with this row's numbers in their places."""

    def called(name: str) -> str:
        return column_label(one.table.column(name)).lower().replace("gpu", "GPU").replace("flop", "FLOP")

    def number(name: str) -> str:
        value = one.row[name]
        return f"[{called(name)} unknown]" if value is None else in_full(value) or worded(value)

    return {
        "words": _named(formula.words, one.table),
        "symbols": formula.in_symbols(called),
        "numbers": formula.in_symbols(number) if formula.operands else "",
        "method": formula.method,
    }


def _assumptions(one: Opened) -> list[dict[str, Any]]:
    return [
        {
            "key": worded(entry["key"]),
            "value": assumed(entry["value"]),
            "unit": entry["unit"],
            "meaning": entry["meaning"],
            "citation": entry["citation"],
        }
        for entry in one.assumptions
    ]


def _input(table: Table, row: Mapping[str, Any], existing: set[str]) -> tuple[str, str]:
    """What a row of a mart is called, and the way to its page where it has one."""
    address = href(table, row)
    return row_label(table, row), f"../{folder_of(table)}/{file_name(table, row)}" if address in existing else ""


def command(table: Table, row: Mapping[str, Any], as_of: Any = None) -> str:
    """The command that shows the same in a terminal."""
    names = table.key if table.schema == "marts" else ("fact_id",)
    conditions = [_condition(table, name, row[name]) for name in names]
    where = " AND ".join(conditions)
    quoted = shlex.quote(where) if set(where) & set('"$`\\!') else f'"{where}"'
    return f"overbuild trace {table.full_name} --where {quoted}" + (f" --as-of {as_of}" if as_of else "")


def _condition(table: Table, name: str, value: Any) -> str:
    if value is None:
        return f"{name} IS NULL"
    if table.column(name).type in ("integer", "real", "flag"):
        return f"{name} = {str(value).lower()}"
    return f"{name} = {sqltext.literal(value)}"
