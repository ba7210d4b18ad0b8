"""Charts: what Altair declares, drawn as SVG for both themes, with a palette that the colour-blind can tell apart.

A chart is drawn when the site is written, so that it is there without JavaScript and on paper. Its colours are the
light theme's while it is drawn; then each becomes a CSS variable, so that one drawing serves light and dark. Hues come
from Okabe and Ito's palette, darkened until text in them can be read on white. Series differ in shape or dashes, too:
`SHAPES` and `DASHES` go with `COLOURS` in order.

The same specification lies in the page as data. `site.js` loads Vega on the first hover and draws it again with tooltips.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import polars as pl

from warehouse.reports.site.blocks import Chart

if TYPE_CHECKING:  # a site of which nothing changed is written without Altair, whose import takes a second
    import altair as alt

    Drawing = alt.LayerChart | alt.FacetChart
    """What `alt.layer` gives, by its own declaration."""

WIDE, NARROW = 704, 356
"""Widths of the drawings in pixels: of the text column on a desk, and of a phone of 390 pixels less its margins."""

PALETTE = {
    "#1b1f24": "--ink",
    "#57606a": "--soft",
    "#d8dee4": "--line",
    "#fefefe": "--paper",
    "#f5f7f9": "--tint",
    "#0b5fa5": "--c1",
    "#b8480a": "--c2",
    "#00755b": "--c3",
    "#8a3b8f": "--c4",
    "#7a6200": "--c5",
    "#5d6b79": "--c6",
    "#9a3413": "--bad",
    "#166535": "--good",
    "#fedcba": "--hatch",
}
"""Colours of the light theme, by the CSS variables that take their place; each is in no other meaning."""

INK, SOFT, LINE, PAPER, TINT = list(PALETTE)[:5]
COLOURS = list(PALETTE)[5:11]
BAD, GOOD = "#9a3413", "#166535"
HATCH = "#fedcba"
"""Fill of what is unknown: stripes. It is a colour for Vega and becomes a pattern in the page."""
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 4]]

FONT = "'Liberation Sans', Arial, Helvetica, sans-serif"
"""Faces of one width, one of which every system has: a label that was measured in another would reach beyond its place."""
CONFIG: dict[str, Any] = {
    "aria": False,
    "background": None,
    "font": FONT,
    "padding": {"left": 2, "right": 14, "top": 4, "bottom": 4},
    "view": {"stroke": None, "continuousHeight": 260, "discreteHeight": 260},
    "axis": {
        "labelColor": SOFT,
        "titleColor": SOFT,
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": LINE,
        "domainColor": SOFT,
        "tickColor": SOFT,
        "labelLimit": 220,
        "titlePadding": 8,
    },
    "axisY": {"domain": False, "ticks": False, "titleAnchor": "end", "titleAngle": 0, "titleAlign": "left", "titleX": 0,
              "titleY": -6, "titleBaseline": "bottom"},
    "axisX": {"grid": False},
    "legend": {"orient": "top", "direction": "horizontal", "labelColor": INK, "titleColor": SOFT, "labelFontSize": 12,
               "titleFontSize": 12, "titleFontWeight": "normal", "symbolSize": 90, "labelLimit": 260, "columnPadding": 26,
               "offset": 24, "title": None},
    "header": {"labelColor": INK, "titleColor": SOFT, "labelFontSize": 13, "labelFontWeight": "bold", "labelAnchor": "start",
               "title": None},
    "range": {"category": COLOURS, "symbol": SHAPES},
    "bar": {"color": COLOURS[0]},
    "line": {"color": COLOURS[0], "strokeWidth": 2.2},
    "point": {"color": COLOURS[0], "filled": True, "size": 64, "opacity": 1},
    "area": {"color": COLOURS[0], "opacity": 0.25},
    "rule": {"color": SOFT},
    "text": {"color": INK, "fontSize": 12},
    "tick": {"color": COLOURS[0], "thickness": 2},
}  # fmt: skip
_OF_SEVERAL = ("facet", "hconcat", "vconcat", "concat", "repeat")


@lru_cache(maxsize=512)
def specification(chart: Chart, width: int) -> dict[str, Any]:
    """The Vega-Lite specification of a chart of a width in pixels, without the theme; nobody changes what is given.

    A single view is fitted to the width, with its axes. One of several views (facets) has the sizes that it was given.
    A run does not hold it against Vega-Lite's schema, which takes as long as drawing it: the tests do (`validated`).
    """
    spec = validated(chart, width) if VALIDATES else _unvalidated(chart, width)
    for name in ("config", "$schema"):
        spec.pop(name, None)
    if "datasets" in spec:
        spec["datasets"] = _drawn_columns(spec)
    if not any(name in spec for name in _OF_SEVERAL) and "columns" not in spec:
        spec["width"] = width
        spec.setdefault("autosize", {"type": "fit-x", "contains": "padding"})
    return spec


def _drawn_columns(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of a specification with the columns that it names somewhere: frames hold ids and reasons, too."""
    named = json.dumps({name: part for name, part in spec.items() if name != "datasets"})
    return {
        name: [{column: value for column, value in row.items() if column in named} for row in rows]
        for name, rows in spec["datasets"].items()
    }


VALIDATES = False
"""Whether charts are held against Vega-Lite's schema as they are made; tests set it."""


def validated(chart: Chart, width: int) -> dict[str, Any]:
    """The specification as Altair gives it. Raises SchemaValidationError where Vega-Lite would not understand it."""
    spec: dict[str, Any] = chart.draw(chart.numbers.rows, width).to_dict()
    return spec


def _unvalidated(chart: Chart, width: int) -> dict[str, Any]:
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):
        spec: dict[str, Any] = chart.draw(chart.numbers.rows, width).to_dict(validate=False)
    return spec


@cache
def _converter() -> Any:
    import vl_convert  # starts a JavaScript engine: a second, once

    return vl_convert


def quarter_said() -> pl.Expr:
    """The calendar quarter of a row as an axis says it: `Q3 2025`."""
    quarter = pl.col("calendar_quarter").str
    return pl.format("{} {}", quarter.slice(4), quarter.slice(0, 4))


def quarters_across(quarters: pl.Series, width: int) -> alt.X:
    """Quarters (as `quarter_said` gives them, in order) from left to right, so many of them named as there is room for."""
    import altair as alt

    order = quarters.unique(maintain_order=True).to_list()
    named = order[::-1][:: 4 if width <= NARROW else 2]
    axis = alt.Axis(labelAngle=0, values=named, labelExpr="split(datum.label, ' ')")
    return alt.X("quarter:N", sort=order, title=None, axis=axis)


def svg(spec: dict[str, Any], *, narrow: bool = False) -> str:
    """A specification as SVG whose colours are the page's own; a narrow one has its legends in two columns."""
    return recoloured(_drawn(json.dumps(spec, sort_keys=True), narrow))


@cache
def _drawn(spec: str, narrow: bool) -> str:
    config = CONFIG
    if narrow:
        config = CONFIG | {"legend": CONFIG["legend"] | {"columns": 2}, "axis": CONFIG["axis"] | {"labelLimit": 140}}
    # Holding a label against its limit measures it many times over; where no text can reach the limit, there is none.
    longest = max((len(text) for text in _texts(json.loads(spec).get("datasets"))), default=0)
    for part in ("axis", "legend"):
        if longest * WIDEST_LETTER < config[part]["labelLimit"]:
            config = config | {part: config[part] | {"labelLimit": 0}}
    text: str = _converter().vegalite_to_svg(spec, config=config)
    return text


WIDEST_LETTER = 9
"""Pixels: more than most letters of a label have; a text of many wide ones is a little longer than its limit allows."""


def _texts(thing: Any) -> Iterator[str]:
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, list | dict):
        for each in thing.values() if isinstance(thing, dict) else thing:
            yield from _texts(each)


def recoloured(drawn: str) -> str:
    """SVG with CSS variables in place of the colours of the light theme, and stripes in place of HATCH."""
    drawn = re.sub(r"^<svg ", '<svg focusable="false" aria-hidden="true" ', drawn)
    drawn = re.sub(r' (?:xmlns:xlink="[^"]*"|version="1.1"|class="marks")', "", drawn, count=3)
    drawn = drawn.replace(f'"{HATCH}"', '"url(#hatch)"')
    for colour, name in PALETTE.items():
        drawn = drawn.replace(f'"{colour}"', f'"var({name})"')
    # Two decimals are a hundredth of a pixel; a third of the drawing is digits beyond them.
    return re.sub(r"(\d+\.\d\d)\d+", r"\1", drawn)


def interval(low: float, middle: float, high: float, threshold: float, *, decimal: bool = True) -> str:
    """A small drawing of an interval, its middle and the threshold (dashed) that it is held against."""
    import altair as alt

    scale = alt.Scale(zero=False, nice=False, padding=8) if decimal else alt.Scale(type="log", nice=False, padding=8)
    x = alt.X("low:Q", scale=scale, axis=None)
    rows = alt.Chart(pl.DataFrame({"low": [low], "high": [high], "middle": [middle], "threshold": [threshold]}))
    drawn = alt.layer(
        rows.mark_bar(height=8, opacity=0.4, cornerRadius=4).encode(x=x, x2=alt.X2("high")),
        rows.mark_point(shape="circle", size=110).encode(x=alt.X("middle:Q")),
        rows.mark_rule(color=BAD, strokeWidth=2.5, strokeDash=[4, 3]).encode(x=alt.X("threshold:Q")),
    ).properties(width=200, height=26)
    spec = drawn.to_dict(validate=False) | {"autosize": {"type": "fit-x", "contains": "padding"}}
    return svg({name: part for name, part in spec.items() if name not in ("config", "$schema")})


@cache
def vega() -> str:
    """Vega, Vega-Lite and what they need, as one script that gives `vegaEmbed`; making it takes two seconds."""
    text: str = _converter().javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return text


def vega_version() -> str:
    return version("vl-convert-python")


def theme_script() -> str:
    """The theme as a script that `site.js` reads: how charts look, and which variable each colour is."""
    return f"window.overbuildCharts = {json.dumps({'config': CONFIG, 'palette': PALETTE})};\n"


def is_drawable(rows: pl.DataFrame) -> bool:
    return rows.height > 0
