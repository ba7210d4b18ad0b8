"""The claims of the article, one by one: what was claimed, what is found, and whether that has changed since.

The whole list stands on the page. Where a browser runs the page's own script, a reader can narrow it by finding, by
subject and by words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from warehouse.reports.site import charts
from warehouse.reports.site.blocks import (
    Block,
    Chart,
    Figure,
    Note,
    Shown,
    Span,
    Strong,
    Table,
    Template,
    Text,
    Words,
)  # fmt: skip
from warehouse.reports.site.forms import speak
from warehouse.reports.site.page import Page, Reader
from warehouse.reports.site.tones import TONES

PAGE = Page(
    "claims.html",
    "Which of the article's claims hold?",
    "Every claim with what was claimed, what is found, why, and whether that has changed since.",
    label="Claims",
    place=80,
)
CLAIMS = "marts.claim_check"
FINDINGS = ("confirmed", "approximately_right", "right_but_misleading", "wrong", "cannot_check")
SHARES = "The fall in share prices"
COST = "What training cost"
CHIPS = "Chips and how many"
MODELS = "What the models can do"
SPENDING = "Spending and demand"
WHO = "Who said what"
SUBJECTS: dict[str, tuple[str, ...]] = {
    SHARES: ("market_cap_change", "return", "rank_one_day_cap_loss", "abnormal_return", "index_return",
             "share_of_names_down", "next_day_return"),
    COST: ("training_cost", "cost_ratio", "cost_to_reach_capability", "build_time", "programme_cost", "rental_price",
           "prior_spend", "scope"),
    CHIPS: ("hardware", "bf16_flops_ratio", "generation", "gpu_count", "offshore_compute", "compliance", "capex"),
    MODELS: ("accuracy_vs_tokens", "openness", "benchmark_gap_vs_o1", "open_closed_gap", "attribution", "app_store_rank"),
    SPENDING: ("nvda_dc_revenue_after", "inference_share", "waste_verdict"),
    WHO: (),
}  # fmt: skip
"""The subjects in their order, with the quantities that belong to each; what belongs to none is the last one's."""
FORMS = {
    "USD": ("usd", ""), "USD/quarter": ("usd", " a quarter"), "USD/GPU-hour": ("usd_per_hour", " per GPU-hour"),
    "fraction": ("change", ""), "share": ("percent", ""), "ratio": ("factor", ""), "x/year": ("factor", " a year"),
    "months": ("number", " months"), "GPU": ("number", " GPUs"), "rank": ("number", " (place)"),
    "count": ("count", ""), "points": ("number", " points"),
    "months or ECI points": ("number", " points of a later index"),
}  # fmt: skip
"""How a unit of a claim is spoken: the form and what follows it."""
YES_OR_NO = ("slope", "boolean")
"""Units in which a number stands for a word, which the statement says better."""


def content(reader: Reader) -> Sequence[Block]:
    rows = reader.rows(f"SELECT * FROM {CLAIMS} ORDER BY claim_id").to_dicts()
    if not rows:
        return [
            Note(Strong("No claim is known. "), "The article had not appeared by this date.", style="warning"),
            counts(rows),
        ]
    return [
        *lead(rows),
        counts(rows),
        Template("claims.html.j2", {"subjects": subjects(rows), "findings": present(rows), "total": len(rows)}),
    ]


def lead(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    changed = sum(bool(row["changed_since"]) for row in rows)
    return [
        Text(f"The article makes {len(rows)} claims that can be named. Each was checked twice. ",
             "Once with what was public on its own day, once with what is public by now. ",
             f"For {changed} of them the finding or its reason changed.", style="lead")
    ]  # fmt: skip


def counts(rows: Sequence[Mapping[str, Any]]) -> Chart:
    found = pl.DataFrame(
        [
            {"finding": speak(finding, "verdict"), "code": finding, "when": when,
             "claims": sum(row[column] == finding for row in rows)}
            for finding in FINDINGS
            for when, column in (("on its own day", "finding_then"), ("now", "finding"))
        ] if rows else [],
        schema={"finding": pl.String, "code": pl.String, "when": pl.String, "claims": pl.Int64},
    )  # fmt: skip
    return Chart(
        title="What became of the claims?",
        description="For each finding, from confirmed to cannot check, two marks: how many claims had it on their own day, and "
        "how many have it now.",
        draw=draw_counts,
        numbers=Table(
            "counts",
            "Claims by finding",
            found,
            (
                Shown("finding", "Finding"),
                Shown("when", "When"),
                Shown("claims", "Claims", "count", opens=""),
            ),
            empty="No claim is known by this date.",
        ),
    )


def draw_counts(rows: pl.DataFrame, width: int) -> charts.Drawing | alt.FacetChart:
    kinds = ["on its own day", "now"]
    y = alt.Y("finding:N", sort=rows["finding"].unique(maintain_order=True).to_list(), title=None,
              axis=alt.Axis(domain=False, labelLimit=170))  # fmt: skip
    x = alt.X("claims:Q", title="Claims", axis=alt.Axis(grid=True, tickMinStep=1), scale=alt.Scale(zero=True))
    ways = rows.pivot("when", index="finding", values="claims").with_columns(pl.col(kinds))
    way = alt.Chart(ways).mark_rule(strokeWidth=2.5, color=charts.SOFT, opacity=0.6).encode(
        y=y, x=alt.X(f"{kinds[0]}:Q", title="Claims"), x2=alt.X2(f"{kinds[1]}:Q"))  # fmt: skip
    points = alt.Chart(rows).mark_point(size=110).encode(
        y=y, x=x,
        color=alt.Color("when:N", scale=alt.Scale(domain=kinds, range=[charts.COLOURS[5], charts.COLOURS[0]])),
        shape=alt.Shape("when:N", scale=alt.Scale(domain=kinds, range=["square", "circle"])),
        tooltip=[alt.Tooltip("finding:N", title="Finding"), alt.Tooltip("when:N", title="When"),
                 alt.Tooltip("claims:Q", title="Claims")],
    )  # fmt: skip
    return alt.layer(way, points).properties(height=alt.Step(30))


def present(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The findings that occur, in their order."""
    return [finding for finding in FINDINGS if any(row["finding"] == finding for row in rows)]


def subject_of(row: Mapping[str, Any]) -> str:
    return next((name for name, quantities in SUBJECTS.items() if row["quantity"] in quantities), WHO)


def subjects(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each subject with its claims, as the template reads them."""
    found = [
        {"name": name, "claims": [claim(row) for row in rows if subject_of(row) == name], "place": place}
        for place, name in enumerate(SUBJECTS)
    ]
    return [each for each in found if each["claims"]]


def claim(row: Mapping[str, Any]) -> dict[str, Any]:
    key = {"claim_id": row["claim_id"]}
    turned = row["finding_then"] != row["finding"]
    return {
        "id": row["claim_id"].lower(),
        "statement": row["statement"],
        "speaker": row["speaker"][:1].upper() + row["speaker"][1:],
        "said_on": row["statement_date"],
        "finding": row["finding"],
        "tone": TONES.get(row["finding"], "open"),
        "finding_then": row["finding_then"] if turned else None,
        "reason": Words(CLAIMS, key, "reason"),
        "reason_then": Words(CLAIMS, key, "reason_then") if row["changed_since"] and row["reason_then"] else None,
        "changed": bool(row["changed_since"]),
        "hearsay": bool(row["hearsay"]),
        "grade": row["grade"],
        "claimed": claimed(row),
        "found": found(row),
        "method": row["method"],
    }


def form_of(row: Mapping[str, Any]) -> tuple[str, str]:
    if str(row["quantity"]).startswith("share"):
        return "percent", ""
    return FORMS.get(row["unit"] or "", ("number", ""))


def claimed(row: Mapping[str, Any]) -> list[Span]:
    """What was claimed, as a figure where it is a number; empty where the claim has no value."""
    value, (form, unit) = row["value_claimed"], form_of(row)
    if not value or row["unit"] in YES_OR_NO:
        return []
    key = {"claim_id": row["claim_id"]}
    if is_number(value):
        return [Figure(CLAIMS, key, "value_claimed", form), unit]
    return [Figure(CLAIMS, key, "value_claimed", "name")]


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def found(row: Mapping[str, Any]) -> list[Span]:
    """What was found with its range; empty where nothing is measured."""
    key, (form, unit) = {"claim_id": row["claim_id"]}, form_of(row)
    if row["value_found"] is None or row["unit"] == "category":
        return [Figure(CLAIMS, key, "found_text", "name")] if row["found_text"] else []
    spans: list[Span] = [Figure(CLAIMS, key, "value_found", form), unit]
    low, high = row["value_low"], row["value_high"]
    if low is not None and high is not None and low != high:
        spans += [
            " (from ",
            Figure(CLAIMS, key, "value_low", form),
            " to ",
            Figure(CLAIMS, key, "value_high", form),
            ")",
        ]
    return spans
