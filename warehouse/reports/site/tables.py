"""Tables by Great Tables: its HTML, with one stylesheet for all instead of one each.

Great Tables escapes text and gives headers that a screen reader follows. A cell that is a figure comes to it as a link
that the templates made, so it passes those as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import polars as pl
from markupsafe import Markup

from warehouse.reports.site.blocks import Figure, Shown, Table
from warehouse.reports.site.forms import NUMBERS, UNKNOWN, speak

LONG = 60
"""Letters from which a text is a sentence and gets room."""


def html(table: Table, link: Callable[[Figure, str], Markup], at: str, rows: pl.DataFrame) -> Markup:
    """Some rows of a table as HTML; `link` gives a figure with its words as a link, `at` is its id on the page."""
    from great_tables import GT
    from great_tables import html as raw

    cells = pl.DataFrame(
        {str(place): _cells(table, shown, rows, link) for place, shown in enumerate(table.columns)},
        schema={str(place): pl.String for place in range(len(table.columns))},
    )
    names = cells.columns
    numbers = [name for name, shown in zip(names, table.columns, strict=True) if shown.form in NUMBERS]
    grid = GT(cells, id=at, rowname_col=names[0]).fmt_passthrough(escape=False)
    labels = {name: raw(str(Markup.escape(shown.heading))) for name, shown in zip(names, table.columns, strict=True)}
    grid = grid.cols_label(labels).tab_stubhead(labels[names[0]])  # type: ignore[arg-type]
    grid = grid.cols_align("left", columns=[name for name in names if name not in numbers])
    if numbers:
        grid = grid.cols_align("right", columns=numbers)
    return Markup(_bare(grid.as_raw_html()))


def _cells(table: Table, shown: Shown, rows: pl.DataFrame, link: Callable[[Figure, str], Markup]) -> list[str]:
    figured = shown.figure_of(table.of) is not None
    cells = []
    for row in rows.iter_rows(named=True) if figured else ({shown.name: value} for value in rows[shown.name].to_list()):
        value = row[shown.name]
        said = "-" if value is None and shown.form not in NUMBERS else speak(value, shown.form, short=True)
        figure = table.figure(shown, row) if figured else None
        cells.append(str(link(figure, said)) if figure else _plain(said))
    return cells


def _plain(said: str) -> str:
    text = Markup.escape(said)
    if said == UNKNOWN:
        return str(Markup('<span class="unknown">{}</span>').format(text))
    return str(Markup('<span class="sentence" dir="auto">{}</span>').format(text) if len(said) > LONG else text)


def _bare(made: str) -> str:
    """The table alone, without its styles and the box around it."""
    found = re.search(r"<table.*</table>", made, flags=re.DOTALL)
    assert found
    bare = found[0].replace(' data-quarto-disable-processing="false" data-quarto-bootstrap="false"', "")
    bare = re.sub(r' style="[^"]*"', "", re.sub(r"<colgroup>.*?</colgroup>", "", bare, flags=re.DOTALL))
    bare = bare.replace("gt_col_heading gt_columns_bottom_border ", "").replace("gt_row ", "")
    bare = bare.replace(' rowspan="1" colspan="1"', "")
    return re.sub(r">\s+<(/?(?:t[rdh]|thead|tbody|table))", r"><\1", bare)


def text(value: object) -> object:
    """A value as a CSV holds it: a text that a spreadsheet would run as a formula stands behind an apostrophe."""
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def csv(rows: pl.DataFrame, columns: Sequence[Shown], of_key: Sequence[str] = ()) -> str:
    """What a table shows, unrounded: its columns and, before them, those of the mart's key that it holds."""
    names = list(dict.fromkeys([*(name for name in of_key if name in rows.columns), *(each.name for each in columns)]))
    shown = rows.select(names)
    texts = [name for name, kind in shown.schema.items() if kind == pl.String or kind == pl.List]
    safe = [pl.Series(name, [text(value) for value in shown[name].to_list()], dtype=pl.String) for name in texts]
    return shown.with_columns(safe).write_csv()
