"""Claims about the chips: which they were, what was cut from them, and how many there were."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil

import polars as pl

from warehouse.marts.article.cost_claims import H100, V3_RUN
from warehouse.marts.article.dossier import Dossier, Found, Row, right
from warehouse.marts.common.reasons import reason

H800 = "H800 SXM"


def hardware_named(claim: Row, dossier: Dossier) -> Found:
    """SC25."""
    run = dossier.need("training_runs", "hardware_of_the_run", run_id=V3_RUN)
    chip = run["hardware"]
    known = dossier.find("gpu_specs", gpu_model=chip)
    same = claim["value_claimed"].casefold() in (chip.casefold(), chip.split()[0].casefold())
    reasons = [right("paper_names_the_chip", chip=chip.split()[0], claimed=claim["value_claimed"])]
    if known:
        reasons.append(reason("chip_was_released", date=known["release_date"]))
    return Found("confirmed" if same else "wrong", reasons, text=chip)


def downgraded_chip(claim: Row, dossier: Dossier) -> Found:
    """SC26."""
    h800 = dossier.need("gpu_specs", "data_of_the_h800", gpu_model=H800)
    h100 = dossier.need("gpu_specs", "data_of_the_h100", gpu_model=H100)
    peak = h800["bf16_dense_tflops"] / h100["bf16_dense_tflops"]
    if h800["interconnect_gb_per_s"] is None or h100["interconnect_gb_per_s"] is None:
        raise dossier.missing("links_of_both_chips")
    link = h800["interconnect_gb_per_s"] / h100["interconnect_gb_per_s"]
    near = dossier.assumptions.number("claim_confirmed_within")
    cut_link, cut_peak = link < 1 - near, peak < 1 - near
    reasons = [
        right(
            "made_for_export",
            link_gb_per_s=h800["interconnect_gb_per_s"],
            link_of_h100_gb_per_s=h100["interconnect_gb_per_s"],
            peak_share=peak,
        )
    ]
    if h800["export_restricted_since"]:
        reasons.append(reason("needed_a_licence", since=h800["export_restricted_since"]))
    finding = "confirmed" if cut_peak else "right_but_misleading" if cut_link else "wrong"
    return Found(finding, reasons, peak, min(peak, link), max(peak, link))


def most_advanced_chip(claim: Row, dossier: Dossier) -> Found:
    """SC27. The run is taken to have ended on the day of its paper, so that it began as late as it can have."""
    run = dossier.need("training_runs", "hardware_of_the_run", run_id=V3_RUN)
    length = dossier.need_mart("training_cost", "run_length", "run_id", needs="wall_days", run_id=V3_RUN)
    began: date = run["published"] - timedelta(days=ceil(length["wall_days"]))
    chip = dossier.need("gpu_specs", "data_of_the_chip", gpu_model=run["hardware"])
    market = dossier.rows("gpu_specs").filter(pl.col("release_date") <= began)
    ranked = market.sort("bf16_dense_tflops", "gpu_model", descending=[True, False])
    best = ranked.row(0, named=True)
    own = ranked.filter(vendor=chip["vendor"]).row(0, named=True)
    for row in (best, own):
        dossier.used("gpu_specs", row)
    of_best, of_own = (chip["bf16_dense_tflops"] / row["bf16_dense_tflops"] for row in (best, own))
    near = 1 - dossier.assumptions.number("claim_confirmed_within")
    finding = "wrong" if of_best >= near else "right_but_misleading" if of_own >= near else "confirmed"
    reasons = [
        reason(
            "fastest_chip_on_sale", began=began, fastest=best["gpu_model"], chip=chip["gpu_model"], share_of_peak=of_best
        ),
        reason("vendors_fastest_chip", vendor=chip["vendor"], fastest=own["gpu_model"], share_of_peak=of_own),
    ]  # fmt: skip
    return Found(finding, reasons, of_best, of_best, of_own, chip["gpu_model"])


def cluster_size(claim: Row, dossier: Dossier) -> Found:
    """SC35."""
    fact = dossier.need("evidence", "count_in_the_paper", evidence_id="CC009")
    claimed, found = float(claim["value_claimed"]), fact["value"]
    finding = dossier.by_closeness(claimed, found)
    if finding == "wrong":
        reasons = [
            reason("cluster_is_smaller", a100s=found, times_too_many=claimed / found),
            right("earlier_paper_has_such_a_cluster"),
        ]
        post = dossier.find("evidence", evidence_id="AD001")
        if post is not None and dossier.by_closeness(post["value"], found) == "confirmed":
            reasons.insert(1, reason("post_said_it_right", a100s=post["value"]))
    else:
        reasons = [reason("cluster_in_the_paper", a100s=found)]
    return Found(finding, reasons, found, found, found)
