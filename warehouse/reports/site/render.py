"""From the blocks of a page to its HTML, with Jinja; all text is escaped, and nothing is joined into HTML by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from warehouse.reports import addresses
from warehouse.reports.lineage import named
from warehouse.reports.site import blocks, charts, tables
from warehouse.reports.site.blocks import Chart, Figure, Interval, Table, Words
from warehouse.reports.site.forms import UNKNOWN, speak
from warehouse.reports.site.page import Content, Page, Reader

TEMPLATES = Path(__file__).parent / "templates"


@dataclass
class Rendered:
    """A page as it is written: its HTML, and the files of data beside it by their path in the site."""

    html: str
    data: dict[str, str] = field(default_factory=dict)


def environment() -> jinja2.Environment:
    """Templates with escaping on; what a template names and does not get is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.do"],
    )
    made.filters["speak"] = speak
    return made


class Drawer:
    """What the templates ask for while a page is drawn: links of figures, charts, tables."""

    def __init__(self, page: Page, reader: Reader, paths: Collection[str] = ()) -> None:
        self.page, self.reader, self.paths = page, reader, paths
        self.rendered = Rendered("")
        self.level = 1

    def under(self, level: int) -> None:
        """What follows stands under a heading of this level."""
        self.level = level

    def figure(self, figure: Figure) -> Markup:
        return self.link(figure, speak(self.reader.value(figure), figure.form, short=figure.short))

    def words(self, words: Words) -> Markup:
        """A sentence of the warehouse with a link after it; without one where there is no such row."""
        row = self.reader.row(words.table, dict(words.key))
        said = row.get(words.column)
        if said is None:
            return Markup('<span class="unknown">{}</span>').format(row.get("reason") or UNKNOWN)
        open_, close = Markup('<span dir="auto">'), Markup("</span>")
        mark = Markup('<a class="opens" href="{}" title="How this came about">how?</a>').format(
            self._address(Figure(words.table, words.key, words.column, "text"))
        )
        return open_ + said + close + Markup("&nbsp;") + mark

    def link(self, figure: Figure, said: str) -> Markup:
        kind = "figure unknown" if said == UNKNOWN else "figure"
        return Markup('<a class="{}" href="{}">{}</a>').format(kind, self._address(figure), said)

    def _address(self, figure: Figure) -> str:
        key = {name: figure.key[name] for name in addresses.key_columns(named(figure.table))}
        return addresses.href(figure.table, key, figure.column, base=self.page.root)

    def href(self, target: str) -> str:
        """The address of a page of the site from this one; one outside of it stays as it is."""
        return target if re.match(r"[a-z]+:|#", target) else self.page.root + target

    def has(self, target: str) -> bool:
        """Whether there is such a page: a link to one that is not written would lead nowhere."""
        return target.partition("#")[0] in self.paths

    def anchor(self, heading: str) -> str:
        return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") or "here"

    def table(self, table: Table, part: str = "", rows: pl.DataFrame | None = None) -> Markup:
        return tables.html(table, self.link, f"t-{table.name}{part}", table.rows if rows is None else rows)

    def csv(self, table: Table) -> str:
        """Puts a table's rows beside the page and gives their address."""
        name = f"data/{self.page.stem}-{table.name}.csv"
        key = named(table.of).key if table.of else ()
        self.rendered.data[name] = tables.csv(table.rows, table.columns, key)
        return self.page.root + name

    def chart(self, chart: Chart) -> dict[str, Any]:
        """A chart's two drawings, and its specification as JSON that no text can end early."""
        wide, narrow = (charts.specification(chart, width) for width in (charts.WIDE, charts.NARROW))
        drawings = [Markup(charts.svg(wide)), Markup(charts.svg(narrow, narrow=True))]
        spec = json.dumps(wide, separators=(",", ":")).replace("<", "\\u003c")
        return {"wide": drawings[0], "narrow": drawings[1], "spec": Markup(spec)}

    def interval(self, interval: Interval) -> Markup:
        """The drawing of an interval; empty where one of its figures is unknown."""
        parts = (interval.low, interval.middle, interval.high, interval.threshold)
        values = [self.reader.value(part) for part in parts]
        if any(value is None for value in values):
            return Markup("")
        return Markup(charts.interval(*values, decimal=interval.decimal))

    def is_span(self, thing: Any) -> str:
        return "text" if isinstance(thing, str) else type(thing).__name__.lower()


def render(
    page: Page, content: Content, reader: Reader, shell: Mapping[str, Any], templates: jinja2.Environment
) -> Rendered:
    """A page as HTML in the shell that all pages share."""
    drawer = Drawer(page, reader, shell["paths"])
    template = templates.get_template("page.html.j2")
    drawer.rendered.html = template.render(
        page=page, content=content, drawer=drawer, root=page.root, has_charts=has_charts(content), **shell
    )
    return drawer.rendered


def has_charts(content: Content) -> bool:
    return any(isinstance(each, Chart) and charts.is_drawable(each.numbers.rows) for each in blocks.walk(list(content)))
