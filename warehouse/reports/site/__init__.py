'''The site: pages that every run writes, opened from disk, made of blocks that are data and not HTML.

A new page is one new file in `pages/`. It reads the warehouse, and gives blocks; it writes no HTML, no link, no number:

    """Rents: what an hour of a GPU costs."""

    PAGE = Page("rents.html", "What an hour of a GPU costs", "Rental prices by month.", label="Rents", place=30)
    INDEX = "marts.gpu_price_index"

    def content(reader: Reader) -> Sequence[Block]:
        rows = reader.rows(f"SELECT * FROM {INDEX} WHERE gpu_model = 'H100 SXM' ORDER BY month")
        last = rows.row(-1, named=True) if rows.height else None
        return [
            Text("The median offer was ", Figure(INDEX, last, "median_usd_per_gpu_hour", "usd_per_hour"), " an hour.",
                 style="lead") if last else Text("No month has three providers by this date."),
            Chart(
                title="An hour costs half of what it cost two years ago",      # says what is to be seen
                description="A line of the median rental price that falls.",   # for those who cannot see it
                draw=draw,
                numbers=Table("rents", "Median offers by month", rows,
                              shown(INDEX, "month", "n_offers", "median_usd_per_gpu_hour", "grade"), of=INDEX),
            ),
        ]

    def draw(rows: pl.DataFrame, width: int) -> alt.Chart:
        return alt.Chart(rows).mark_line(point=True).encode(
            x=alt.X("month:T", title=None), y=alt.Y("median_usd_per_gpu_hour:Q", title="$ an hour"),
            tooltip=["month:T", "median_usd_per_gpu_hour:Q"])

- A file with `family(reader)` instead gives many pages: an iterable of `(Page, blocks)`, such as one a company.
- `Page(place=...)` stands in the navigation in that order; without it, a page is reached by links.

      index 0       gpu 30        pays 60       claims 80      attack 100
      market 10     training 40   timeline 70   companies 90   quality 190
      spending 20   redundant 50  changes 75                   data 200

- Blocks (`blocks.py`): Heading, Text, Note, Items, Cards, Answer (a verdict), Table, Chart, Fold, Columns, Contents.
  `Template` draws a Jinja file of your own from `templates/` (autoescaped), where no block can say it.
- Spans stand within Text, Note, Items and cards: plain text, `Figure`, `Words`, `Strong`, `Code` and
  `Link("text", "pays.html")`. `Words` is a sentence of a mart, with a link to how it came about.
- **Every figure opens.** `Figure(table, key, column, form)` is a row and column of a mart; `key` may be the whole row.
  The framework reads the value, speaks it in the form (`forms.py`: usd, percent, change, count, factor, years, ...) and
  links it to its page. Never type a number into a text, and never format one.
- In a `Table`, each cell in a figure's form that is a column of its mart `of` is a figure by itself. The rows must hold
  the mart's key columns, shown or not. `shown(mart, "a", "b")` takes forms from the declared units; give a `Shown` for
  another heading or form. `Shown(opens="marts.other:column")` where rows are joined of several marts. A text in form
  "name" or "verdict" reads as words: no page shows `cannot_tell`.
- A `Chart` is drawn twice, for desks and phones: `draw(rows, width)` asks `width <= charts.NARROW` for fewer ticks.
  Do not set colours, fonts or sizes of text: the theme does, for light and dark. Where you need a colour, take it from
  `charts.COLOURS`, `INK`, `SOFT`, `BAD`, `GOOD`; what is unknown is filled with `charts.HATCH`. Add shapes (`SHAPES`) or
  dashes (`DASHES`) beside colour. Start axes of bars at zero, and say "logarithmic" where an axis is. Give `tooltip`
  fields with titles. Charts with several views (`facet`) set their own widths from `width`.
- The numbers of a chart are its folded table and a CSV in `data/`, by the name of the table, unique on the page.
- Nothing known? `Table(empty="why")` and charts say so instead of an empty grid. Try your page on a warehouse as of 2020.
- Look at it: `python -m warehouse.reports.site FOLDER [WAREHOUSE]` writes the site of a published warehouse into a
  folder, without a run. Tests in `tests/reports/browser/` open every page there is, in both widths and themes.

- What a page reads through the reader is noted (`inputs.py`). The next run leaves pages alone whose tables are the same.
  So a page reads the warehouse through `reader` only: no file, no clock, no setting.
- Encodings are objects, `x2=alt.X2("high:Q")`: for a bare string Altair searches all its classes, at 20 ms each time.

`discover.py` finds pages, `page.py` reads for them, `render.py` and `templates/` draw. `charts.py` and `tables.py` know
Altair and Great Tables. `write.py` writes what changed, and `shell.html.j2` is what all pages share.
'''
