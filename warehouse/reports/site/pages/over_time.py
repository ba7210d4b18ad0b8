"""Verdict over time: what the answer to each question was on each day, and what turned it.

Every day's answer is computed with today's method from what was public by that day. So a turn is news about the world and
not about the program. Changes of the method stand apart, with the verdicts of both versions on the same facts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import altair as alt
import polars as pl

from warehouse.marts.common.scopes import COMPANIES, GROUP
from warehouse.marts.verdict.decision import ASKED
from warehouse.reports.lineage import Traced, follow, is_fact, named
from warehouse.reports.site import charts
from warehouse.reports.site.blocks import (
    Block,
    Chart,
    Figure,
    Fold,
    Heading,
    Items,
    Note,
    Shown,
    Span,
    Strong,
    Table,
    Text,
    shown,
)  # fmt: skip
from warehouse.reports.site.forms import speak
from warehouse.reports.site.page import Page, Reader
from warehouse.reports.site.tones import TONES
from warehouse.tables.table import FACT_ID

PAGE = Page(
    "over_time.html",
    "How has the answer changed over time?",
    "The verdict on each question, day by day, the facts that turned it, and changes of the method.",
    label="Verdict over time",
    place=70,
)
TIMELINE, METHOD = "marts.verdict_timeline", "marts.method_changes"
LABELS = {
    "Q1": "Is the claim true?",
    "Q2": "Is spending redundant?",
    "Q3": "Does it pay?",
    "Q4": "What did prices say?",
    "overall": "Is it wasteful?",
}
TONE = {
    "bad": (charts.BAD, "triangle-up"), "good": (charts.GOOD, "circle"), "partly": (charts.COLOURS[4], "diamond"),
    "open": (charts.SOFT, "cross"),
}  # fmt: skip
NOTHING = "No verdict of an earlier day is known: the timeline begins with the first event."
FACTS_SHOWN = 6
TURNS = """SELECT *, lag(verdict) OVER days AS verdict_before, lag(as_of) OVER days AS as_of_before,
    lag(headline) OVER days AS headline_before FROM marts.verdict_timeline
    WINDOW days AS (PARTITION BY scope, question ORDER BY as_of)"""


def content(reader: Reader) -> Sequence[Block]:
    turns = reader.rows(
        f"SELECT * FROM ({TURNS}) WHERE scope = ? AND verdict <> verdict_before ORDER BY as_of DESC, question", GROUP
    )
    return [
        *lead(reader, turns),
        strip(reader),
        Text(
            "Each day's answer is computed with today's method from what was public by that day. "
            "So a turn of the strip is news about the world.",
            style="about",
        ),
        Heading("What turned it"),
        *turned(reader, turns),
        Heading("The four companies"),
        companies(reader),
        Heading("When the method changed"),
        *method(reader),
    ]


def lead(reader: Reader, turns: pl.DataFrame) -> list[Block]:
    days = reader.rows(f"SELECT DISTINCT as_of FROM {TIMELINE} WHERE scope = ? ORDER BY as_of", GROUP)["as_of"]
    if not days.len():
        return [Note(Strong("There is no verdict yet. "), NOTHING, style="warning")]
    asked = (
        f"The questions were asked on {days.len()} days from {speak(days[0], 'date')} to {speak(days[-1], 'date')}. "
    )
    if not turns.height:
        return [Text(asked, "No answer for the group of four changed.", style="lead")]
    last = turns.row(0, named=True)
    return [
        Text(asked, f"The last turn was on {speak(last['as_of'], 'date')}: “{LABELS[last['question']]}” went from “",
             said(last["verdict_before"]), "” to “", said(last["verdict"]), "”.", style="lead")
    ]  # fmt: skip


def said(verdict: str) -> str:
    return speak(verdict, "name")


def strip(reader: Reader) -> Chart:
    rows = reader.rows(f"SELECT * FROM {TIMELINE} WHERE scope = ? ORDER BY question, as_of", GROUP)
    changed = reader.one(f"SELECT min(changed_on) AS day, max(version) AS version FROM {METHOD}")
    rows = rows.with_columns(
        asks=pl.col("question").replace(LABELS),
        method_changed_on=pl.lit(changed.get("day"), dtype=pl.Date),
        method_changed_to=pl.lit(changed.get("version"), dtype=pl.Int64),
    )
    return Chart(
        title="What was the answer to each question, and when did it turn?",
        description="A strip for each of five questions over the days. Each stretch has the colour and sign of its verdict; a "
        "striped stretch is an open answer. Every turn of a verdict is in the list below.",
        draw=draw_strip,
        note=(
            "Striped means that it cannot be told. Signs stand where a verdict begins. "
            "A dotted line is a day on which the method changed.",
        ),
        numbers=Table(
            "strip",
            "The group's verdict on each day",
            rows,
            (
                Shown("as_of", "As of", "date"),
                Shown("asks", "Question"),
                Shown("verdict", "Verdict", "verdict"),
                Shown("leaning", "Leans to", "name"),
                Shown("inputs_through", "Newest fact", "date"),
                Shown("evidence_grade", "Grade", "grade"),
                Shown("occasion", "Why that day"),
            ),
            of=TIMELINE,
            empty=NOTHING,
        ),
    )


def spells(rows: pl.DataFrame) -> pl.DataFrame:
    """Stretches of the same verdict to the same question: their first day, and the first day after them."""
    last = rows["as_of"].max()
    return (
        rows.sort("question", "as_of")
        .with_columns(spell=pl.struct("question", "verdict").rle_id())
        .group_by("spell", "question", "asks", "verdict", maintain_order=True)
        .agg(pl.col("as_of").first().alias("starts"), pl.col("as_of").last().alias("seen"))
        .with_columns(ends=pl.coalesce(pl.col("starts").shift(-1).over("question"), pl.lit(last) + timedelta(days=12)))
        .with_columns(
            said=pl.col("verdict").str.replace_all("_", " "),
            tone=pl.col("verdict").replace_strict(TONES, default="open"),
        )
    )


def draw_strip(rows: pl.DataFrame, width: int) -> charts.Drawing | alt.FacetChart:
    found = spells(rows)
    narrow = width <= charts.NARROW
    found = found.with_columns(
        filled=pl.col("said")
    )  # a name of its own, or the legend of signs goes with that of bars
    words = found.select("said", "tone").unique(maintain_order=True).sort("tone", "said")
    domain = words["said"].to_list()
    fills = [charts.HATCH if tone == "open" else TONE[tone][0] for tone in words["tone"]]
    inks = [TONE[tone][0] for tone in words["tone"]]
    order = [each for each in LABELS.values() if each in found["asks"].to_list()]
    y = alt.Y("asks:N", sort=order, title=None, axis=alt.Axis(labelLimit=160, domain=False, grid=False))
    x = alt.X("starts:T", title=None, axis=alt.Axis(format="%b %Y", tickCount=4 if narrow else 8, grid=False))
    tooltip = [
        alt.Tooltip("asks:N", title="Question"),
        alt.Tooltip("said:N", title="Verdict"),
        alt.Tooltip("starts:T", title="from", format="%d %b %Y"),
        alt.Tooltip("seen:T", title="to", format="%d %b %Y"),
    ]
    legend = alt.Legend(columns=1 if narrow else 3, symbolOpacity=1)
    # A layer a verdict: with a scale of fills, Vega leaves out the legend of the signs.
    bars = [
        alt.Chart(found.filter(pl.col("said") == said))
        .mark_bar(height=20, fill=fill, fillOpacity=0.42)
        .encode(y=y, x=x, x2=alt.X2("ends:T"), tooltip=tooltip)
        for said, fill in zip(domain, fills, strict=True)
    ]
    signs = alt.Chart(found).mark_point(size=130, xOffset=9).encode(
        y=y, x=alt.X("starts:T"), tooltip=tooltip,
        color=alt.Color("said:N", scale=alt.Scale(domain=domain, range=inks), legend=legend),
        shape=alt.Shape("said:N", scale=alt.Scale(domain=domain, range=[TONE[tone][1] for tone in words["tone"]]), legend=legend),
    )  # fmt: skip
    layers = [*bars, signs]
    method = rows.select("method_changed_on", "method_changed_to").drop_nulls().unique()
    if method.height:
        method = method.with_columns(text=pl.format("method {}", pl.col("method_changed_to")))
        mark = alt.Chart(method).encode(x=alt.X("method_changed_on:T"))
        layers.append(mark.mark_rule(strokeDash=[2, 3], color=charts.INK))
        layers.append(mark.mark_text(align="right", dx=-5, dy=-9).encode(y=alt.value(0), text=alt.Text("text:N")))
    return alt.layer(*layers).properties(height=alt.Step(36))


def turned(reader: Reader, turns: pl.DataFrame) -> list[Block]:
    """Each turn of a verdict for the group, the newest first, with the facts behind it that had just become public."""
    if not turns.height:
        return [Text("No verdict of the group turned between these days.")]
    blocks: list[Block] = []
    for turn in turns.iter_rows(named=True):
        day = speak(turn["as_of"], "date")
        blocks.append(
            Heading(f"{day}: {LABELS[turn['question']]}", level=3, anchor=f"{turn['question']}-{turn['as_of']}")
        )
        blocks.append(
            Text("From “", Strong(said(turn["verdict_before"])), "” to “", Strong(said(turn["verdict"])), "”. ",
                 turn["headline"] or "")
        )  # fmt: skip
        blocks += why(reader, turn)
    return blocks


def why(reader: Reader, turn: Mapping[str, Any]) -> list[Block]:
    """The facts behind a verdict that became public since the day before it in the timeline."""
    key = {name: turn[name] for name in ("as_of", "scope", "question")}
    found = follow(
        reader.connection,
        named(TIMELINE),
        f"scope = '{key['scope']}' AND question = '{key['question']}' AND as_of = DATE '{key['as_of']}'",
        limit=1,
    )
    companies = {
        row["ticker"]: row["company"] for row in reader.rows("SELECT ticker, company FROM companies").to_dicts()
    }
    new = new_facts(found, turn["as_of_before"], turn["as_of"])
    since = f"since {speak(turn['as_of_before'], 'date')}"
    if not new:
        return [
            Text(f"No fact behind it is new {since}: an assumption, or the passing of time, turned it.", style="about")
        ]
    items = list(
        {repr(spans[:-2] or spans): spans for spans in (spans_of(table, row, companies) for table, row in new)}.values()
    )
    first, rest = items[:FACTS_SHOWN], items[FACTS_SHOWN:]
    blocks: list[Block] = [Text(f"Behind it, new {since}:", style="about"), Items(*first)]
    if rest:
        blocks.append(Fold(f"{len(rest)} more {'fact' if len(rest) == 1 else 'facts'}", [Items(*rest)]))
    return blocks


def new_facts(found: Traced, after: Any, until: Any) -> list[tuple[str, dict[str, Any]]]:
    """Facts of a trace that became public in a time, those that are stated for the subject before the many of a series."""
    many = {"core.stock_prices": 3, "core.gpu_prices": 2, "core.ai_models": 2, "core.company_facts": 1}
    new = [
        (node[0], row)
        for node, row in found.rows.items()
        if is_fact(node) and row["known_on"] is not None and after < row["known_on"] <= until
    ]
    return sorted(new, key=lambda each: (many.get(each[0], 0), each[1]["known_on"], each[1][FACT_ID]))


def spans_of(table: str, row: Mapping[str, Any], companies: Mapping[str, str]) -> list[Span]:
    """A fact in a line: what it is, its value as a figure, when it became public and its grade."""
    what, column, form = WHAT.get(table, ("{fact_id}", "", ""))
    spans: list[Span] = [what.format_map(_Spoken({**row, "company": companies.get(row.get("ticker", ""), "")}))]
    unit = row.get("unit", "") if table == "core.evidence" else ""
    form, unit = UNITS.get(unit, (form, f" {unit}" if unit else ""))
    if column and row.get(column) is not None:
        spans += [": ", Figure(table, {FACT_ID: row[FACT_ID]}, column, form), unit]
    spans.append(f" ({speak(row['known_on'], 'date')}, grade {row['grade']})")
    return spans


class _Spoken(dict[str, Any]):
    """A row whose codes are read as words."""

    def __missing__(self, name: str) -> str:
        return "?"

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if value is None:
            return ""
        return speak(value, "date" if name.endswith(("_on", "date", "_start", "_end")) else "name").replace(
            "h100", "H100"
        )


UNITS = {
    "USD": ("usd", ""), "USD a year": ("usd", " a year"), "USD/year": ("usd", " a year"), "share": ("percent", ""),
    "fraction": ("percent", ""), "H100e": ("number", " H100 equivalents"), "years": ("years", ""),
}  # fmt: skip
"""How a unit of the evidence is spoken: the form, and what follows the value."""
WHAT: dict[str, tuple[str, str, str]] = {
    "core.evidence": ("{entity}, {metric}", "value", "number"),
    "core.article_claims": ("The claim was made: “{statement}”", "", ""),
    "core.training_runs": ("Training run of {model}", "gpu_hours", "gpu_hours"),
    "core.ai_models": ("Model {model} of {organization}", "training_flop", "number"),
    "core.company_facts": ("{company}, {measure}, {period_start} to {period_end}", "value_usd", "usd"),
    "core.capex_guidance": ("{company}'s plan for {fiscal_year}", "low_usd", "usd"),
    "core.gpu_prices": ("{provider} rents {gpu_model}", "usd_per_gpu_hour", "usd_per_hour"),
    "core.stock_prices": ("{company}'s closing price on {date}", "close", "usd_per_hour"),
    "core.gpu_specs": ("Data sheet of {gpu_model}", "", ""),
    "core.shares_outstanding": ("Shares of {company}", "shares", "count"),
    "core.consumer_prices": ("Consumer prices of {month}", "index_value", "number"),
}
"""How a fact of each table reads: what it is, and the column and form of its value."""


def companies(reader: Reader) -> Table:
    rows = reader.rows(
        f"""SELECT t.*, coalesce(c.company, t.scope) AS company FROM ({TURNS}) t LEFT JOIN companies c ON c.ticker = t.scope
        WHERE list_contains(?, t.scope) AND t.verdict <> t.verdict_before AND list_contains(['Q2', 'Q3', 'overall'], t.question)
        ORDER BY t.as_of DESC, t.scope, t.question""",
        list(COMPANIES),
    ).with_columns(asks=pl.col("question").replace(LABELS))
    return Table(
        "companies",
        "Turns of a company's own verdicts",
        rows,
        (
            Shown("company", "Company"),
            Shown("as_of", "As of", "date"),
            Shown("asks", "Question"),
            Shown("verdict_before", "From", "verdict"),
            Shown("verdict", "To", "verdict"),
            Shown("headline", "Headline"),
            Shown("evidence_grade", "Grade", "grade"),
        ),
        of=TIMELINE,
        about="The claim and the market's answer are the same for all, so they are left out.",
        empty="No verdict of a single company turned between these days.",
    )


def method(reader: Reader) -> list[Block]:
    rows = reader.rows(f"SELECT * FROM {METHOD} ORDER BY changed_on DESC, version DESC, change")
    questions = [name for name in ASKED if f"{name.lower()}_verdict_before" in rows.columns]
    first = rows.row(0, named=True) if rows.height else {}
    both = pl.DataFrame(
        [
            {"asks": LABELS[name], "before": first.get(f"{name.lower()}_verdict_before"),
             "after": first.get(f"{name.lower()}_verdict_after"), "version": first.get("version"), "change": first.get("change")}
            for name in questions
        ] if first else [],
        schema={"asks": pl.String, "before": pl.String, "after": pl.String, "version": pl.Int64, "change": pl.String},
    )  # fmt: skip
    blocks: list[Block] = []
    if first:
        blocks.append(
            Text(f"The method changed on {speak(first['changed_on'], 'date')}, to version {first['version']}. "
                 "Both versions answered on the same facts, so that the rule cannot have been bent unseen.")
        )  # fmt: skip
    if both["before"].is_not_null().any():
        blocks.append(
            Table(
                "versions",
                "Both versions on the day of the change",
                both,
                (Shown("asks", "Question"), Shown("before", "Before", "verdict"), Shown("after", "After", "verdict")),
                empty="The verdicts of both versions are not recorded.",
            )
        )
    return [
        *blocks,
        Table(
            "method",
            "What changed in the method, and why",
            rows,
            shown(METHOD, Shown("what", "Change"), Shown("why", "Why"), Shown("effect", "What it does to answers"),
                  Shown("changed_on", "Since", "date")),
            of=METHOD,
            empty="The method has not changed.",
        ),
    ]  # fmt: skip
