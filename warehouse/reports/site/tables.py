"""Tables by Great Tables: its HTML, with one stylesheet for all instead of one each.

Great Tables draws heads and rows that a screen reader follows. Cells come as the templates make them: escaped text, or
the link of a figure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import polars as pl
from markupsafe import Markup

from warehouse.reports.export.csv_text import neutral
from warehouse.reports.site.blocks import Figure, Shown, Table
from warehouse.reports.site.forms import NUMBERS, UNKNOWN, speak

LONG = 60
"""Letters from which a text is a sentence and gets a line of its own."""
UNKNOWN_WHERE_NULL = NUMBERS | {"flag"}
"""Forms in which null says that something is not known; a text that is null says that there is nothing to say."""
MANY = 9
"""Columns from which a table is set smaller, so that it fits a desk."""


def html(table: Table, link: Callable[[Figure, str], Markup], rows: pl.DataFrame) -> Markup:
    """Some rows of a table as HTML; `link` gives a figure with its words as a link.

    Columns that hold sentences do not stand beside the others: each sentence is a line of its own beneath its row, as
    wide as the table.
    """
    told = sentences(table)
    columns = [shown for shown in table.columns if shown not in told]
    before, row, after = _drawn(tuple((shown.heading, shown.form in NUMBERS) for shown in columns))
    cells = zip(*(_cells(table, shown, rows, link) for shown in columns), strict=True)
    beneath = _beneath(told, rows, len(columns))
    body = (row.format(*each) + lines for each, lines in zip(cells, beneath, strict=True))
    return Markup(f"{before}{''.join(body)}{after}")


@lru_cache(maxsize=512)
def _drawn(columns: tuple[tuple[str, bool], ...]) -> tuple[str, str, str]:
    """What Great Tables draws for some headings, each with whether its cells are numbers: head, one row, and the end.

    All rows of a table are alike but for their cells, and drawing each costs a millisecond a cell. So one is drawn, and
    stands for all: the fields of a format are in the places of its cells.
    """
    from great_tables import GT
    from great_tables import html as raw

    names = [str(place) for place in range(len(columns))]
    grid = GT(pl.DataFrame({name: [f"{{{name}}}"] for name in names}), rowname_col=names[0])
    labels = {name: raw(str(Markup.escape(heading))) for name, (heading, _) in zip(names, columns, strict=True)}
    grid = grid.cols_label(labels).tab_stubhead(labels[names[0]])  # type: ignore[arg-type]
    numbers = [name for name, (_, is_number) in zip(names, columns, strict=True) if is_number]
    grid = grid.cols_align("left", columns=[name for name in names if name not in numbers])
    if numbers:
        grid = grid.cols_align("right", columns=numbers)
    made = _bare(grid.as_raw_html())
    if len(columns) >= MANY:
        made = made.replace('class="gt_table"', 'class="gt_table many"', 1)
    before, row, after = re.split(
        r'(?<=<tbody class="gt_table_body">)(.*)(?=</tbody>)', made, maxsplit=1, flags=re.DOTALL
    )
    return before, row, after


def sentences(table: Table) -> list[Shown]:
    """The columns of a table that hold sentences; the first heads its row and is none of them."""
    return [
        shown
        for shown in table.columns[1:]
        if shown.beneath
        or (
            shown.form == "text"
            and table.rows.schema[shown.name] == pl.String
            and (table.rows[shown.name].str.len_chars() > LONG).any()
        )
    ]


_BENEATH = Markup('<tr class="beneath"><td colspan="{}"><div dir="auto">{}</div></td></tr>')
_LINE = Markup("<p><b>{}:</b> {}</p>")


def _beneath(told: Sequence[Shown], rows: pl.DataFrame, width: int) -> Iterator[str]:
    """The line beneath each row with its sentences; empty where it has none."""
    for row in rows.select(shown.name for shown in told).iter_rows(named=True) if told else [{}] * rows.height:
        lines = [_LINE.format(shown.heading, row[shown.name]) for shown in told if row[shown.name]]
        yield str(_BENEATH.format(width, Markup("").join(lines))) if lines else ""


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
