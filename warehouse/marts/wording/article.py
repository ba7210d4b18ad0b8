"""Reasons and methods of the marts in `article/`, in words.

More than 500 lines, because each of the article's claims has its own sentences, and they stand in this one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from warehouse.marts.wording import Words

Fields = Mapping[str, Any]

# How each computed claim is checked, by claim.
METHODS = {
    "SC01": "Change of market value = change of the close x shares known that day (method 6), and the press's range.",
    "SC02": "Close-to-close return from adjusted closes.",
    "SC03": "Rank of the day's loss among every loss that the snapshot gives before it, and the press's old record.",
    "SC04": "The day's abnormal return dates the fall; nothing in it names a cause.",
    "SC10": "R1 less o1, in points of the Epoch Capabilities Index.",
    "SC11": "The final run of V3 and, once known, R1's increment, at observed rental prices (method 3).",
    "SC12": "Research programme (final run over share_final) over a US lab's research computing of a year, one rung.",
    "SC13": "The technology sector's fund, between the chip fund and the Nasdaq 100; listed in the US only.",
    "SC15": ("Best open-weight model less best closed one among those released by the day, and the lag in months."),
    "SC17": "Nvidia's quarterly revenue after the statement, against the last quarter that ended before it.",
    "SC18": "Share of AI compute that goes to inference, by the estimate known last.",
    "SC20": "The overall verdict for the group is the answer to the analysts' question.",
    "SC21": "Times less compute a year for the same capability, and whether V3 breaks the trend (method 3).",
    "SC22": "Share of the panel's technology names that fell that day, and which did not.",
    "SC23": "Length of the final run (GPU-hours over GPUs, method 3), which is what the cost quoted beside it pays for.",
    "SC24": "Research programme S3 = final run / share_final (method 2); the claim names a final run as the whole.",
    "SC25": "The chip that the paper names, against the name in the article.",
    "SC26": "Dense BF16 peak and chip-to-chip link of the H800 over those of the H100.",
    "SC27": "The run's chip over the best dense BF16 peak on the market when the run began.",
    "SC28": "The hearsay itself, shown as such; nothing better is known.",
    "SC30": "The hearsay's count times the price of the chip it names; the cheapest chip of the family as low end.",
    "SC34": "Research computing before the final run, S3 less S1 (method 2), beside what the press puts on that rung.",
    "SC35": "The paper's count of A100.",
    "SC37": "The market's return on the day after, with the funds that fell most.",
    "SC43": "The assumed price against the offers that price the run (method 3).",
}
METHOD_OF_UNCHECKABLE = "No fact can decide it; the reason says why."
METHOD_OF_CURATED = "A finding from the sources that the evidence names."

# What may not be known, as the subject of a sentence.
THINGS = {
    "any_close": "Any close of {date} with the one of {before}",
    "close": "The close of {ticker} on {date}",
    "count_in_the_paper": "The paper's count",
    "count_of_chips": "The count",
    "data_of_the_chip": "The chip's data",
    "data_of_the_h100": "The H100's data",
    "data_of_the_h800": "The H800's data",
    "decline_of_training_cost": "An estimate of how fast training gets cheaper",
    "earlier_cluster": "The earlier cluster",
    "final_run": "V3's final run",
    "hardware_of_the_run": "The hardware of V3's run",
    "index_of_open_and_closed": "A capability index of open and closed models",
    "index_of_r1_and_o1": "A capability index that holds R1 and o1",
    "links_of_both_chips": "The link of both chips",
    "nvidia_abnormal_return": "Nvidia's abnormal return of the day",
    "nvidia_loss_of_the_day": "Nvidia's loss of the day",
    "nvidia_revenue_after": "Nvidia's revenue of a quarter after the statement",
    "nvidia_share_count": "Nvidia's share count",
    "offer_near_the_run": "Any offer near the run",
    "panel_return": "Any return of the panel",
    "previous_record": "The previous record",
    "price_of_the_h100": "A price of the H100",
    "recomputed_cost": "The recomputed cost of {run_id}",
    "run_length": "The length of V3's final run",
    "session": "The exchange's session of {date}",
    "share_of_inference": "An estimate of inference's share",
    "us_spending": "What US companies spend",
    "verdict": "A verdict",
}
RUNGS = {2: "two", 4: "four"}
# Metric of the evidence -> what inference's share is a share of.
PART_OF = {"inference_share_of_compute": "AI computing", "inference_share_of_dc_revenue": "its data-centre revenue"}


def usd(value: float) -> str:
    """An amount as a reader says it: `592.7 billion USD`."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{_four_digits(value / size):,.4g} {name} USD"
    return f"{value:,.2f} USD"


def _four_digits(value: float) -> float:
    """Four digits, halves up as on paper: 81.615 is 81.62, though its binary neighbour lies below."""
    exact = Decimal(repr(float(value)))
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 3), rounding=ROUND_HALF_UP))


def _two_digits(value: float) -> str:
    """Two digits that count, written out: 0.000093 and not 9.3e-05."""
    return format(Decimal(f"{value:.2g}"), "f")


def _percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def _span(fields: Fields) -> str:
    """The ends of an interval of index points."""
    return f"{fields['low']:+.1f} to {fields['high']:+.1f}"


# ---- What is not known, and claims without a formula ---------------------------------------------------------------


def _thing(fields: Fields) -> str:
    return THINGS[fields["what"]].format_map(fields)


def _figure(fields: Fields) -> str:
    value = fields["value"]
    return f"Right is {fields['text'] or ('unknown' if value is None else f'''{value:.3g} ({fields['unit']})''')}."


# ---- The market on the day -----------------------------------------------------------------------------------------


def _value_lost(fields: Fields) -> str:
    return (
        f"The close fell from {fields['close_before']:.2f} to {fields['close']:.2f} with "
        f"{fields['shares'] / 1e9:.2f} billion shares known that day: {usd(fields['change_usd'])}, "
        "which the article rounds."
    )


def _value_lost_by_the_press(fields: Fields) -> str:
    reported, least = fields["reported_usd"], fields["least_usd"]
    said = "" if least == reported else f" ({usd(least)} at the least)"
    return (
        f"The {usd(reported)} of the press{said} go with a close of {fields['implied_close']:.2f}, "
        f"which is not the official {fields['close']:.2f}."
    )


def _loss_above_the_record(fields: Fields) -> str:
    largest, later = fields["largest_earlier_usd"], fields["larger_since"]
    in_these_facts = "" if largest is None else f" and {usd(largest)} in these facts"
    return (
        f"The loss of {usd(fields['loss_usd'])} is above the earlier record of {usd(fields['record_usd'])} "
        f"(press){in_these_facts}; {later or 'none'} known since is larger."
    )


def _record_in_dollars(fields: Fields) -> str:
    return (
        "It is a record in dollars of the day, not as a share of value, "
        f"and only {', '.join(fields['tickers'])} have share counts here."
    )


def _cause_is_not_shown(fields: Fields) -> str:
    quiet = ", ".join(f"{_percent(r['abnormal_return'])} on {r['date']}" for r in fields["releases"])
    return "An abnormal return shows when and not why" + (
        f", and the days of the models' release themselves had {quiet}." if quiet else "."
    )


def _technology_fell(fields: Fields) -> str:
    return (
        f"US technology fell {_percent(-fields['technology'])} ({fields['fund']}), chips {_percent(-fields['chips'])}, "
        f"the Nasdaq 100 {_percent(-fields['nasdaq_100'])}."
    )


def _world_is_not_shown(fields: Fields) -> str:
    abroad = " and ".join(f"{ticker} at {_percent(moved)}" for ticker, moved in fields["foreign_shares"].items())
    among = f", among them {abroad}" if abroad else ""
    return f"Around the world is not shown: the facts hold US listings only{among}."


def _technology_names_fell(fields: Fields) -> str:
    spread = ", ".join(f"{_percent(down, 0)} of the {role}s" for role, down in fields["share_by_role"].items())
    return f"{fields['fell']} of {fields['names']} technology names of the panel fell: {spread}."


def _many_fell(fields: Fields) -> str:
    hidden = ", but a smaller part of those who use or buy computing, which the sentence hides"
    return f"Many fell{hidden if fields['users_were_spared'] else ''}."


def _next_day(fields: Fields) -> str:
    return (
        f"On {fields['date']} the market returned {_percent(fields['market_return'], 2)} and Nvidia "
        f"{_percent(fields['nvidia_return'])}"
    )


# ---- What it cost --------------------------------------------------------------------------------------------------


def _final_runs_rent(fields: Fields) -> str:
    runs = (
        "V3's final run with R1's increment"
        if fields["with_increment"]
        else "V3's final run (R1's own was not yet known)"
    )
    return (
        f"For {runs} the developer's {usd(fields['stated_usd'])} are below {usd(fields['claimed_usd'])}, and offers of "
        f"the time give {usd(fields['low_usd'])} to {usd(fields['high_usd'])}."
    )


def _programme_over(fields: Fields, whose: str) -> str:
    low, middle, high = (_two_digits(fields[end]) for end in ("low", "middle", "high"))
    return f"DeepSeek's research programme over {whose} is {middle} ({low} to {high})."


def _programme_over_a_lab(fields: Fields) -> str:
    return _programme_over(fields, f"{fields['entity']}'s research computing of a year ({usd(fields['spent_usd'])})")


def _programme_over_capex(fields: Fields) -> str:
    spent = usd(fields["spent_usd"])
    return _programme_over(fields, f"the group's capex of four quarters ({spent}, a higher rung, the nearest known)")


def _run_over_billions(fields: Fields) -> str:
    return (
        f"A final run over billions ({_two_digits(fields['ratio'])}) crosses {RUNGS[fields['rungs']]} rungs of the "
        "scope ladder."
    )


def _building_is_a_programme(fields: Fields) -> str:
    return (
        f"Building it means the research programme: {usd(fields['low_usd'])} to {usd(fields['high_usd'])}, as final "
        f"runs take {_percent(fields['share_low'], 0)} to {_percent(fields['share_high'], 0)} of research computing."
    )


def _developer_names_the_final_run(fields: Fields) -> str:
    paper = "; the paper itself leaves earlier research out" if fields["paper_says_so"] else ""
    return f"Right is that the developer puts the final run alone at {usd(fields['stated_usd'])}{paper}."


def _final_run_took(fields: Fields) -> str:
    return (
        f"The developer's own figures give {fields['days']:.0f} days, {fields['months']:.1f} months, for the run that "
        "the cost quoted beside it pays for."
    )


def _work_before_took_longer(fields: Fields) -> str:
    months = fields["months_since_first_model"]
    span = "" if months is None else f": {months:.1f} months lie between its first listed model and R1"
    return f"Right is that the work before it took longer{span}; no fact dates its start."


def _value_of_hearsay(fields: Fields) -> str:
    return (
        f"The count is hearsay, so its value is too: at {fields['price_usd']:,.0f} USD a chip "
        f"{usd(fields['value_usd'])} if all were {fields['chip']}, {usd(fields['low_usd'])} if all were "
        f"{fields['cheapest_chip']} at {fields['cheapest_price_usd']:,.0f}."
    )


def _fleet_by_the_press(fields: Fields) -> str:
    return f"Press estimates of the fleet that was bought are {usd(fields['low_usd'])} to {usd(fields['high_usd'])}."


def _earlier_cluster(fields: Fields) -> str:
    return (
        f"Right is the cluster: {fields['a100s']:,.0f} A100 before it, "
        f"against {fields['gpus_of_the_run']:,} H800 for the run."
    )


def _research_before_the_run(fields: Fields) -> str:
    verb = "are not ruled out" if fields["is_possible"] else "are not shown"
    press = fields["press_usd"]
    beside = "" if press is None else f", while the press puts the programme's operation at {usd(press)}"
    return (
        f"Hundreds of millions {verb}: usual shares give {usd(fields['low_usd'])} to {usd(fields['high_usd'])} "
        f"of research computing{beside}."
    )


def _offers_around_the_run(fields: Fields) -> str:
    claimed, low, high = (fields[f"{name}_usd"] for name in ("claimed", "low", "high"))
    if claimed > high:
        side = f"{_percent(claimed / high - 1, 0)} above the highest"
    elif claimed >= low:
        side = "inside them"
    else:
        side = f"{_percent(abs(1 - claimed / low), 0)} below the lowest"
    stand_in = fields["stand_in"]
    of = f" for the {stand_in}, which stands in for the chip," if stand_in else ""
    return (
        f"Specialists' offers around the run{of} stood at {low:.2f} to {high:.2f} (middle {fields['middle_usd']:.2f}), "
        f"so the assumption lies {side}."
    )


# ---- The chips -----------------------------------------------------------------------------------------------------


def _made_for_export(fields: Fields) -> str:
    return (
        "Right is that it was made for export: what was cut is the link between chips, "
        f"{fields['link_gb_per_s']:.0f} against {fields['link_of_h100_gb_per_s']:.0f} GB/s; "
        f"the dense BF16 peak is {_percent(fields['peak_share'], 0)} of the H100's."
    )


def _fastest_chip_on_sale(fields: Fields) -> str:
    return (
        f"When the run began, on {fields['began']} at the latest, the fastest chip on sale was the {fields['fastest']}, "
        f"and the {fields['chip']} reached {_percent(fields['share_of_peak'], 0)} of its peak."
    )


def _vendors_fastest_chip(fields: Fields) -> str:
    return (
        f"Of {fields['vendor']}'s own best, the {fields['fastest']}, it had {_percent(fields['share_of_peak'], 0)}, "
        "with a slower link."
    )


def _cluster_is_smaller(fields: Fields) -> str:
    return (
        f"The paper has {fields['a100s']:,.0f} A100, "
        f"so the article's number is {fields['times_too_many']:.3g} times too many."
    )


# ---- How good it is, and how fast things get cheaper ---------------------------------------------------------------


def _r1_and_o1(fields: Fields) -> str:
    return (
        f"On the Epoch Capabilities Index R1 stands at {fields['r1']:.1f} and o1, {fields['days_older']} days older, at "
        f"{fields['o1']:.1f}: {fields['gap']:+.1f} points ({_span(fields)})."
    )


def _best_open_and_closed(fields: Fields) -> str:
    months = fields["months_after_a_closed_one"]
    lag = "" if months is None else f", {months:.1f} months after a closed model of that level"
    return (
        f"On that day the best open model was {fields['open']} and the best closed one {fields['closed']}: "
        f"{fields['gap']:+.1f} index points ({_span(fields)}){lag}."
    )


def _compute_for_the_same(fields: Fields) -> str:
    return (
        f"The same capability takes {fields['times']:.1f} times less training compute each year (95 % interval "
        f"{fields['low']:.1f} to {fields['high']:.1f}, {fields['models']} models with known compute), so similar "
        "results at lower cost are what the trend brings."
    )


def _place_on_the_trend(fields: Fields) -> str:
    return (
        f"{fields['model']} lies {fields['residual_sd']:+.1f} standard deviations from the trend, which is "
        f"{'a' if fields['is_break'] else 'no'} break."
    )


def _published_declines(fields: Fields) -> str:
    low, high = fields["low"], fields["high"]
    span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return (
        f"Published estimates put the decline of training cost at {span} times a year; "
        f"no index of capability was known by {fields['as_of']} to recompute it."
    )


# ---- What came of it -----------------------------------------------------------------------------------------------


def _revenue_went(fields: Fields) -> str:
    return (
        f"Revenue went from {usd(fields['before_usd'])} in the quarter to {fields['before_end']} to "
        f"{usd(fields['after_usd'])} in the one to {fields['after_end']}, "
        f"with {usd(fields['least_usd'])} the least between."
    )


def _inference_share(fields: Fields) -> str:
    low, high = fields["low"], fields["high"]
    between = f" (between {_percent(low, 0)} and {_percent(high, 0)} over the years that it looks at)"
    return (
        f"{fields['entity']} puts inference at {_percent(fields['share'], 0)} of {PART_OF[fields['of']]}"
        f"{between if low < high else ''}, so it does need very many GPUs."
    )


def _question_and_not_a_claim(fields: Fields) -> str:
    each = ", ".join(f"{question} {verdict}" for question, verdict in fields["by_question"].items())
    return (
        f"A question rather than a claim; this project's answer for the group is {fields['verdict']}"
        f"{f' ({each})' if each else ''}."
    )


WORDS: dict[str, Words] = {
    "not_known": lambda fields: f"{_thing(fields)} was not known by {fields['known_by']}.",
    "not_known_because": lambda fields: f"{_thing(fields)} is not known: {fields['because']}",
    "right_figure": _figure,
    "curated_finding": "{text}",
    "curated_right": "{text}",
    "no_source_was_read": "No source that decides this has been read.",
    "decided_by_later_sources": "What decides it was published later than {as_of}.",
    # The market on the day.
    "value_lost": _value_lost,
    "value_lost_by_the_press": _value_lost_by_the_press,
    "return_of_the_day": lambda fields: (
        f"Close to close on {fields['date']}, from adjusted closes, the share returned "
        f"{_percent(fields['share_return'], 2)}."
    ),
    "loss_above_the_record": _loss_above_the_record,
    "record_in_dollars": _record_in_dollars,
    "earlier_losses_were_larger": lambda fields: (
        f"{fields['larger']} earlier one-day losses were larger than {usd(fields['loss_usd'])}; "
        "it was large, but not the largest."
    ),
    "no_fall_beyond_chance": lambda fields: (
        f"The abnormal return of {_percent(fields['abnormal_return'])} is not a fall beyond chance, "
        "so there is nothing to explain."
    ),
    "timing_is_right": lambda fields: (
        f"Right is the timing: {_percent(fields['abnormal_return'])} beyond the market on that day "
        f"(p = {fields['p_value']:.1g})."
    ),
    "cause_is_not_shown": _cause_is_not_shown,
    "technology_fell": _technology_fell,
    "world_is_not_shown": _world_is_not_shown,
    "technology_names_fell": _technology_names_fell,
    "many_fell": _many_fell,
    "fall_had_stopped": lambda fields: f"{_next_day(fields)}: by the close the fall had stopped.",
    "nvidia_won_back_a_part": "Right is that Nvidia had won back only part of it.",
    "fall_went_on": lambda fields: f"{_next_day(fields)}: the fall went on.",
    # What it cost.
    "final_runs_rent": _final_runs_rent,
    "final_runs_are_not_all": "It is the rental of final runs: research, failed runs and hardware are not in it.",
    "programme_over_a_lab": _programme_over_a_lab,
    "programme_over_capex": _programme_over_capex,
    "run_against_run": lambda fields: (
        f"Run against run at rental prices it is {_two_digits(fields['ratio'])} of Llama 3.1 405B."
    ),
    "run_over_billions": _run_over_billions,
    "cheaper_but_by_less": "Right is that it is cheap, by less than the sentence makes it.",
    "building_is_a_programme": _building_is_a_programme,
    "developer_names_the_final_run": _developer_names_the_final_run,
    "final_run_took": _final_run_took,
    "work_before_took_longer": _work_before_took_longer,
    "value_of_hearsay": _value_of_hearsay,
    "fleet_by_the_press": _fleet_by_the_press,
    "earlier_cluster": _earlier_cluster,
    "research_before_the_run": _research_before_the_run,
    "hardware_is_another_rung": lambda fields: f"The hardware, another rung, is put at {usd(fields['value_usd'])}.",
    "paper_assumes_the_price": lambda fields: (
        f"Right is that the paper assumes {fields['claimed_usd']:.2f} USD and says so."
    ),
    "offers_around_the_run": _offers_around_the_run,
    "no_offer_in_china": "No offer inside China is among the facts.",
    # The chips.
    "paper_names_the_chip": (
        "Right is that the paper names the {chip}; no chip is called {claimed}, which garbles that name."
    ),
    "chip_was_released": "The chip is Nvidia's, released {date}.",
    "made_for_export": _made_for_export,
    "needed_a_licence": "It met the rule of 2022 only until it needed a licence too, from {since}.",
    "fastest_chip_on_sale": _fastest_chip_on_sale,
    "vendors_fastest_chip": _vendors_fastest_chip,
    "cluster_is_smaller": _cluster_is_smaller,
    "earlier_paper_has_such_a_cluster": (
        "Right is that an earlier paper describes such a cluster, larger than the one of the final run."
    ),
    "cluster_in_the_paper": lambda fields: f"The paper has {fields['a100s']:,.0f} A100.",
    # How good it is, and how fast things get cheaper.
    "r1_and_o1": _r1_and_o1,
    "close_to_the_best": "Right is that it came close to the best US model of the day.",
    "best_open_and_closed": _best_open_and_closed,
    "best_open_and_closed_now": lambda fields: (
        f"By {fields['as_of']} it is {fields['gap']:+.1f} ({fields['open']} against {fields['closed']})."
    ),
    "open_models_follow": "Right is that open models follow closely.",
    "compute_for_the_same": _compute_for_the_same,
    "place_on_the_trend": _place_on_the_trend,
    "published_declines": _published_declines,
    # What came of it.
    "revenue_went": _revenue_went,
    "revenue_is_all_of_it": (
        "It is total revenue, as the facts hold no data-centre figure; it fits the reading but does not show that "
        "inference was the reason, and no source names the experts."
    ),
    "nvidia_said_so": "Right is that Nvidia said so.",
    "inference_share": _inference_share,
    "claim_has_no_number": "The sentence has no number, and it comes from the company that sells them.",
    "question_and_not_a_claim": _question_and_not_a_claim,
    "to_ask_is_right": "Right is to ask it; a cheap final run alone cannot show waste.",
    "count_is_hearsay": "Hearsay: no filing, paper or record shows the count.",
    "other_hearsay": lambda fields: (
        f"Other hearsay ({fields['known_on']}) has {fields['chips']:,.0f} chips of the family, not of the H100 alone."
    ),
}
