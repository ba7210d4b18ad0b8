"""Blocks are drawn with all text escaped, tables know their figures, and charts bear what there is to draw."""

from __future__ import annotations

import altair as alt
import duckdb
import polars as pl
import pytest
from lxml import html

from warehouse.reports.site import charts, tables
from warehouse.reports.site.blocks import Chart, Figure, Fold, Heading, Note, Shown, Table, Text, figures, shown
from warehouse.reports.site.page import Page, Reader
from warehouse.reports.site.render import Drawer, environment, render
from warehouse.reports.site.tones import TONES

PAGE = Page("folder/page.html", "A page", "About it")
BAD = "<script>alert('1')</script>"
SHELL = {
    "navigation": [PAGE], "paths": ["folder/page.html"], "as_of": None, "dated": False, "ages": [], "failed_sources": [],
    "overridden": None, "grades": {}, "tones": TONES,
}  # fmt: skip
GROUP = "marts.capex_group"
ROWS = pl.DataFrame({"calendar_quarter": ["2025Q3", "2025Q4"], "capex_usd": [98.2e9, None], "grade": ["A", None]})


def drawn(*blocks):
    text = render(PAGE, list(blocks), Reader(duckdb.connect()), SHELL, environment()).html
    return text, html.fromstring(text)


def table(rows=ROWS, **more):
    return Table("quarters", "Quarters", rows, shown(GROUP, "calendar_quarter", "capex_usd", "grade"), of=GROUP, **more)


def chart(rows, draw):
    return Chart("Seen", "Said", draw, Table("numbers", "Numbers", rows, [Shown(name) for name in rows.columns]))


def bars(rows, width):
    return alt.Chart(rows).mark_bar().encode(x="name:N", y="value:Q")


def test_markup_in_any_text_is_escaped():
    rows = pl.DataFrame({"name": [BAD, "x" * 80 + BAD], "value": ["=1+1", BAD * 4]})
    bad = Table(BAD and "bad", BAD, rows, (Shown("name", BAD), Shown("value", BAD)), about=BAD)
    text, tree = drawn(Heading(BAD), Text(BAD), Note(BAD), Fold(BAD, [Text(BAD)]), bad)
    assert "<script>alert" not in text
    assert not tree.xpath("//main//script")


def test_a_chart_whose_names_are_markup_cannot_end_its_data_early():
    text, tree = drawn(chart(pl.DataFrame({"name": [BAD], "value": [1.0]}), bars))
    assert "<script>alert" not in text
    assert len(tree.xpath("//script[@class='spec']")) == 1


def test_every_cell_of_a_mart_in_a_figures_form_opens():
    _, tree = drawn(table())
    [known, unknown] = tree.xpath("//td/a/@href")
    assert known.startswith("../figures/capex_group/2025Q3-")
    assert known.endswith("#capex_usd")
    assert unknown.startswith("../figures/capex_group/2025Q4-"), "what is unknown opens, too: its page says why"
    assert tree.xpath("//td/a")[1].text == "unknown"
    assert [value for _, value in figures([table()])] == [98.2e9, None]


def test_a_table_without_the_key_of_its_mart_says_what_it_lacks():
    lacking = table(ROWS.rename({"calendar_quarter": "quarter"}).with_columns(calendar_quarter=pl.lit("x")))
    assert lacking
    with pytest.raises(ValueError, match="must hold calendar_quarter"):
        Table("t", "", ROWS.drop("calendar_quarter"), shown(GROUP, "capex_usd"), of=GROUP).figure(
            Shown("capex_usd", form="usd"), {"capex_usd": 1}
        )


def test_a_figure_has_a_form_and_a_table_has_its_columns():
    with pytest.raises(ValueError, match="no form dollars"):
        Figure(GROUP, {}, "capex_usd", "dollars")
    with pytest.raises(ValueError, match="no column missing"):
        Table("t", "", ROWS, (Shown("missing"),))


def test_a_table_without_rows_says_why():
    _, tree = drawn(table(ROWS.clear(), empty="Nobody has filed yet."))
    assert tree.xpath("string(//section[@id='quarters'])").split("Quarters")[1].strip() == "Nobody has filed yet."


def test_sentences_stand_beneath_their_row():
    rows = pl.DataFrame(
        {"name": ["a", "b"], "reason": ["A sentence that is too long to stand in a column. " * 2, None]}
    )
    _, tree = drawn(Table("t", "T", rows, (Shown("name"), Shown("reason"))))
    assert [cell.text for cell in tree.xpath("//thead//th")] == ["Name"]
    [beneath] = tree.xpath("//tr[@class='beneath']")
    assert beneath.text_content().startswith("Reason: A sentence")
    assert beneath.getprevious().text_content().strip() == "a"


def test_what_is_said_to_stand_beneath_a_row_does_so_however_short():
    rows = pl.DataFrame({"name": ["a"], "why": ["short"]})
    _, tree = drawn(Table("t", "T", rows, (Shown("name"), Shown("why", beneath=True))))
    assert tree.xpath("string(//tr[@class='beneath'])") == "Why: short"


def test_braces_in_a_cell_or_heading_are_text():
    rows = pl.DataFrame({"{0}": ["{1}"], "b": ["{}"]})
    _, tree = drawn(Table("t", "T", rows, (Shown("{0}"), Shown("b"))))
    assert tree.xpath("//section//th/text() | //section//td/text()") == ["{0}", "B", "{1}", "{}"]


def test_a_page_in_a_folder_says_where_it_belongs():
    shell = SHELL | {"navigation": [Page("folder.html", "", "", label="Folder"), Page("other.html", "", "")]}
    text = render(PAGE, [], Reader(duckdb.connect()), shell, environment()).html
    assert html.fromstring(text).xpath("//nav//a[@aria-current]/text()") == ["Folder"]


def test_a_formula_in_a_name_is_text_in_the_csv():
    rows = pl.DataFrame({"name": ["=HYPERLINK(1)", "@x", "fine"], "value": [1.25, None, -3.0]})
    said = tables.csv(rows, [Shown("name"), Shown("value")])
    assert said.splitlines() == ["name,value", "'=HYPERLINK(1),1.25", "'@x,", "fine,-3.0"]


def test_right_to_left_and_very_long_text_keep_to_their_own_direction():
    rows = pl.DataFrame({"name": ["a"], "said": ["مرحبا " * 30]})
    text, _ = drawn(Table("t", "T", rows, (Shown("name"), Shown("said"))))
    assert 'dir="auto"' in text


@pytest.mark.parametrize(
    "rows",
    [
        pl.DataFrame({"name": ["a"], "value": [1.0]}),
        pl.DataFrame({"name": ["a", "b"], "value": [None, None]}, schema={"name": pl.String, "value": pl.Float64}),
        pl.DataFrame({"name": ["a", "b"], "value": [1.0, 1000.0]}),
    ],
    ids=["one point", "only unknowns", "a thousand times the other"],
)
def test_a_chart_bears_what_there_is(rows):
    _, tree = drawn(chart(rows, bars))
    assert len(tree.xpath("//figure//*[local-name()='svg']")) == 2, "one for desks, one for phones"


def test_a_chart_without_rows_says_why():
    _, tree = drawn(
        chart(pl.DataFrame({"name": [], "value": []}, schema={"name": pl.String, "value": pl.Float64}), bars)
    )
    assert "No rows" in tree.xpath("string(//figure)")
    assert not tree.xpath("//figure//*[local-name()='svg']")


def test_two_charts_of_one_page_are_two_pictures():
    rows = pl.DataFrame({"name": ["a"], "value": [1.0]})
    one, two = chart(rows, bars), chart(rows, lambda rows, width: alt.Chart(rows).mark_line().encode(x="name:N"))
    assert charts.specification(one, 300) != charts.specification(two, 300)


def test_a_chart_carries_only_the_columns_that_it_draws():
    rows = pl.DataFrame({"name": ["a"], "value": [1.0], "reason": ["long"]})
    [values] = charts.specification(chart(rows, bars), 300)["datasets"].values()
    assert values == [{"name": "a", "value": 1.0}]


def test_colours_of_a_drawing_are_the_pages_own():
    drawing = charts.svg(
        {"data": {"values": [{"a": 1}]}, "mark": {"type": "bar", "fill": charts.HATCH}, "encoding": {}}
    )
    assert "url(#hatch)" in drawing
    assert not [colour for colour in charts.PALETTE if colour in drawing]
    assert "style=" not in drawing, "the policy of the page allows no styles in elements"


def test_links_lead_from_the_page_that_they_stand_on():
    drawer = Drawer(PAGE, Reader(duckdb.connect()), ["spending.html"])
    assert drawer.href("spending.html") == "../spending.html"
    assert drawer.href("https://example.org") == "https://example.org"
    assert drawer.has("spending.html#group")
    assert not drawer.has("nowhere.html")
