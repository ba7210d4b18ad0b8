"""From the blocks of a page to its HTML, with Jinja; all text is escaped, and nothing is joined into HTML by hand."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from warehouse.reports import addresses
from warehouse.reports.lineage import named
from warehouse.reports.site import charts, tables
from warehouse.reports.site.blocks import Chart, Figure, Interval, Table, Words
from warehouse.reports.site.forms import UNKNOWN, speak
from warehouse.reports.site.inputs import program
from warehouse.reports.site.page import Content, Page, Reader

TEMPLATES = Path(__file__).parent / "templates"


@dataclass
class Rendered:
    """A page as it is written: its HTML, the files of data beside it by their path in the site, and how many charts
    were drawn for it."""

    html: str
    data: dict[str, str] = field(default_factory=dict)
    drawn: int = 0


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

    def __init__(
        self, page: Page, reader: Reader, paths: Collection[str] = (), drawn: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.page, self.reader, self.paths, self.drawn = page, reader, paths, drawn
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

    def table(self, table: Table, rows: pl.DataFrame) -> Markup:
        return tables.html(table, self.link, rows)

    def csv(self, table: Table) -> str:
        """Puts a table's rows beside the page and gives their address."""
        name = f"data/{self.page.stem}-{table.name}.csv"
        key = named(table.of).key if table.of else ()
        self.rendered.data[name] = tables.csv(table.rows, table.columns, key)
        return self.page.root + name

    def chart(self, chart: Chart) -> dict[str, Any]:
        """A chart's two drawings, what they were drawn from, and its specification as JSON that no text can end early."""
        wide, narrow = (charts.specification(chart, width) for width in (charts.WIDE, charts.NARROW))
        spec = json.dumps(wide, separators=(",", ":")).replace("<", "\\u003c")
        of = hashlib.sha256(f"{program()}{json.dumps([wide, narrow], sort_keys=True)}".encode()).hexdigest()[:16]
        drawn = self.drawn.get(of)
        if drawn is None:
            drawn = _DRAWN.format(Markup(charts.svg(wide)), Markup(charts.svg(narrow, narrow=True)))
            self.rendered.drawn += 1
        return {"of": of, "drawn": Markup(drawn), "spec": Markup(spec)}

    def interval(self, interval: Interval) -> Markup:
        """The drawing of an interval; empty where one of its figures is unknown."""
        parts = (interval.low, interval.middle, interval.high, interval.threshold)
        values = [self.reader.value(part) for part in parts]
        if any(value is None for value in values):
            return Markup("")
        return Markup(charts.interval(*values, decimal=interval.decimal))

    def is_span(self, thing: Any) -> str:
        return "text" if isinstance(thing, str) else type(thing).__name__.lower()


_DRAWN = Markup('<div class="wide">{}</div><div class="narrow">{}</div>')
_HELD = re.compile(
    r'<div class="drawing" data-of="(\w+)"[^>]*>(<div class="wide">.*?</div><div class="narrow">.*?</div>)</div>',
    re.DOTALL,
)
_BODY = ("<!--content-->", "<!--/content-->")


def render(
    page: Page,
    content: Content,
    reader: Reader,
    shell: Mapping[str, Any],
    templates: jinja2.Environment,
    drawn: Mapping[str, str] = MappingProxyType({}),
) -> Rendered:
    """A page as HTML in the shell that all pages share; charts that are `drawn` already are taken from there."""
    drawer = Drawer(page, reader, shell["paths"], drawn)
    body = templates.get_template("content.html.j2").render(content=content, drawer=drawer, root=page.root, **shell)
    drawer.rendered.html = framed(page, body, shell, templates)
    return drawer.rendered


def framed(page: Page, body: str, shell: Mapping[str, Any], templates: jinja2.Environment) -> str:
    """The body of a page in its shell, between marks that `body_of` finds; escaped text cannot hold such a mark."""
    whole = Markup(_BODY[0] + body + _BODY[1])
    return templates.get_template("page.html.j2").render(
        page=page, body=whole, root=page.root, has_charts='class="spec"' in body, **shell
    )


def body_of(html: str) -> str:
    """The body of a page that `framed` gave."""
    return html.partition(_BODY[0])[2].partition(_BODY[1])[0]


def drawings(html: str) -> dict[str, str]:
    """The charts of a page, by what they were drawn from."""
    return dict(_HELD.findall(html))
