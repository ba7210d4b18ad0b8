"""Tables by Great Tables: its HTML, with one stylesheet for all instead of one each.

Great Tables escapes text and gives headers that a screen reader follows. A cell that is a figure comes to it as a link
that the templates made, so it passes those as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import unescape

import polars as pl
from markupsafe import Markup

from warehouse.reports.export.csv_text import neutral
from warehouse.reports.site.blocks import Figure, Shown, Table
from warehouse.reports.site.forms import NUMBERS, UNKNOWN, speak

LONG = 60
"""Letters from which a text is a sentence and gets a line of its own."""
_CELL = re.compile(r'(<th [^>]*scope="row"[^>]*>|<td\b[^>]*>)(.*?)(?=</t[hd]>)', re.DOTALL)
"""A cell of the body. Great Tables escapes it once more, though it comes escaped; `fmt_passthrough` takes twice as long."""
UNKNOWN_WHERE_NULL = NUMBERS | {"flag"}
"""Forms in which null says that something is not known; a text that is null says that there is nothing to say."""
MANY = 9
"""Columns from which a table is set smaller, so that it fits a desk."""


def html(table: Table, link: Callable[[Figure, str], Markup], at: str, rows: pl.DataFrame) -> Markup:
    """Some rows of a table as HTML; `link` gives a figure with its words as a link, `at` is its id on the page.

    Columns that hold sentences do not stand beside the others: each sentence is a line of its own beneath its row, as
    wide as the table.
    """
    from great_tables import GT
    from great_tables import html as raw

    told = sentences(table)
    columns = [shown for shown in table.columns if shown not in told]
    cells = pl.DataFrame(
        {str(place): _cells(table, shown, rows, link) for place, shown in enumerate(columns)},
        schema={str(place): pl.String for place in range(len(columns))},
    )
    names = cells.columns
    numbers = [name for name, shown in zip(names, columns, strict=True) if shown.form in NUMBERS]
    grid = GT(cells, id=at, rowname_col=names[0])
    labels = {name: raw(str(Markup.escape(shown.heading))) for name, shown in zip(names, columns, strict=True)}
    grid = grid.cols_label(labels).tab_stubhead(labels[names[0]])  # type: ignore[arg-type]
    grid = grid.cols_align("left", columns=[name for name in names if name not in numbers])
    if numbers:
        grid = grid.cols_align("right", columns=numbers)
    made = _CELL.sub(lambda cell: cell[1] + unescape(cell[2]), _bare(grid.as_raw_html()))
    if len(columns) >= MANY:
        made = made.replace('class="gt_table"', 'class="gt_table many"', 1)
    return Markup(_with_lines_beneath(made, told, rows, len(columns)) if told else made)


def sentences(table: Table) -> list[Shown]:
    """The columns of a table that hold sentences; the first heads its row and is none of them."""
    return [
        shown
        for shown in table.columns[1:]
        if shown.form == "text"
        and table.rows.schema[shown.name] == pl.String
        and (table.rows[shown.name].str.len_chars().max() or 0) > LONG  # type: ignore[operator]
    ]


_BENEATH = Markup('<tr class="beneath"><td colspan="{}"><div dir="auto">{}</div></td></tr>')
_LINE = Markup("<p><b>{}:</b> {}</p>")


def _with_lines_beneath(made: str, told: Sequence[Shown], rows: pl.DataFrame, width: int) -> str:
    head, body, tail = re.split(
        r"(?<=<tbody class=\"gt_table_body\">)(.*)(?=</tbody>)", made, maxsplit=1, flags=re.DOTALL
    )
    each = body.split("</tr>")
    assert len(each) == rows.height + 1, "a row of a table is one row of its HTML"
    whole = []
    for drawn, row in zip(each, rows.select(shown.name for shown in told).iter_rows(named=True), strict=False):
        lines = [_LINE.format(shown.heading, row[shown.name]) for shown in told if row[shown.name]]
        whole.append(f"{drawn}</tr>{_BENEATH.format(width, Markup('').join(lines)) if lines else ''}")
    return f"{head}{''.join(whole)}{tail}"


def _cells(table: Table, shown: Shown, rows: pl.DataFrame, link: Callable[[Figure, str], Markup]) -> list[str]:
    figured = shown.figure_of(table.of) is not None
    cells = []
    whole = figured or shown.unit
    for row in rows.iter_rows(named=True) if whole else ({shown.name: value} for value in rows[shown.name].to_list()):
        value = row[shown.name]
        said = (
            "-"
            if value is None and shown.form not in UNKNOWN_WHERE_NULL
            else speak(value, shown.form_of(row), short=True)
        )
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
    # `scope` says to a screen reader what `headers` and their ids say again, in every cell.
    bare = re.sub(r'(<t[hd]\b[^>]*?) (?:headers|id)="[^"]*"', r"\1", bare)
    return re.sub(r">\s+<(/?(?:t[rdh]|thead|tbody|table))", r"><\1", bare)


def csv(rows: pl.DataFrame, columns: Sequence[Shown], of_key: Sequence[str] = ()) -> str:
    """What a table shows, unrounded: its columns and, before them, those of the mart's key that it holds."""
    names = list(dict.fromkeys([*(name for name in of_key if name in rows.columns), *(each.name for each in columns)]))
    kinds = rows.select(names).schema
    lists = [pl.col(n).cast(pl.List(pl.String)).list.join(", ") for n, kind in kinds.items() if kind == pl.List]
    texts = [neutral(pl.col(n)).alias(n) for n, kind in kinds.items() if kind in (pl.String, pl.List)]
    return rows.select(names).with_columns(lists).with_columns(texts).write_csv()
