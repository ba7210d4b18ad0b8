"""Reasons and methods of the marts in `article/`, in words.

More than 500 lines, because each of the article's claims has its own sentences, and they stand in this one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from warehouse.marts.common.in_words import day, listed, money, moneys, number
from warehouse.marts.common.words import Words

Fields = Mapping[str, Any]

# How each computed claim is checked, by claim.
METHODS = {
    "SC01": "Change of the closing price times the shares known that day, beside the press's range.",
    "SC02": "Close-to-close return from adjusted closes.",
    "SC03": "Rank of the loss in dollars among earlier ones and the press's record; then in per cent of a company's value.",
    "SC04": "Who fell beyond the market's own move that day: sellers of computing and power, or those who buy and use it.",
    "SC10": "The developer's tests of the day, and R1 less o1 in points of a later index (Epoch Capabilities Index).",
    "SC11": "The last training run of V3 and, once known, what R1 added, at rental prices of the time.",
    "SC12": "A lab's whole research over a US lab's research computing of a year: like against like.",
    "SC13": "The technology sector's fund, between the chip fund and the Nasdaq 100; listed in the US only.",
    "SC15": ("Best open-weight model less best closed one among those released by the day, and the lag in months."),
    "SC17": "Nvidia's quarterly revenue after the statement, against the last quarter that ended before it.",
    "SC18": "Share of AI compute that goes to inference, by the estimate known last.",
    "SC20": "This project's overall verdict on the spending is the answer to the analysts' question.",
    "SC21": "Times less computing a year for the same ability, and whether V3 breaks the trend.",
    "SC22": "Share of the technology companies followed here that fell that day, and which did not.",
    "SC23": "Length of the last training run (chip-hours over chips), which is what the cost quoted beside it pays for.",
    "SC24": "The last run over the share of research computing that such runs take; the claim names it as the whole.",
    "SC25": "The chip that the paper names, against the name in the article.",
    "SC26": "Peak speed and chip-to-chip link of the H800 over those of the H100.",
    "SC27": "The run's chip over the fastest chip on the market when the run began.",
    "SC28": "The hearsay itself, shown as such; nothing better is known.",
    "SC30": "The hearsay's count times the price of the chip it names; the cheapest chip of the family as low end.",
    "SC34": "Research computing before the last run, by the share that such runs take, beside what others say.",
    "SC35": "The paper's count of A100, and the count in the post that the article quotes.",
    "SC37": "The market's move on that day, if the day was over where the article appeared.",
    "SC43": "The assumed price against rental offers around the run.",
}
METHOD_OF_UNCHECKABLE = "No fact can decide it; the reason says why."
METHOD_OF_CURATED = "A finding from the sources that the evidence names."

# What may not be known, as the subject of a sentence.
THINGS = {
    "any_close": "Any closing price of {date} with the one of {before}",
    "close": "The closing price of {ticker} on {date}",
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
    "nvidia_abnormal_return": "Nvidia's move beyond the market that day",
    "nvidia_loss_of_the_day": "Nvidia's loss of the day",
    "nvidia_revenue_after": "Nvidia's revenue of a quarter after the statement",
    "nvidia_share_count": "Nvidia's share count",
    "offer_near_the_run": "Any rental offer near the run",
    "panel_return": "Any move of the companies followed here",
    "previous_record": "The previous record",
    "price_of_the_h100": "A price of the H100",
    "recomputed_cost": "The recomputed cost of the training run",
    "run_length": "The length of V3's final run",
    "session": "The exchange's session of {date}",
    "share_of_inference": "An estimate of inference's share",
    "us_spending": "What US companies spend",
    "verdict": "A verdict",
}
# Who the companies of a role are, as a reader calls them.
ROLES = {
    "supplier": "makers of AI chips and equipment",
    "neocloud": "firms that rent out AI computing",
    "buyer": "big buyers of computing",
    "adopter": "software firms that use AI",
    "power": "power companies",
}
# Metric of the evidence -> what inference's share is a share of.
PART_OF = {"inference_share_of_compute": "AI computing", "inference_share_of_dc_revenue": "its data-centre revenue"}
# What this project's verdicts answer, question by question.
OVERALL = {
    "looks_wasteful": "this project finds that the spending looks wasteful",
    "at_risk": "this project finds that the spending falls short of what it must earn, and that waste is not yet seen",
    "not_shown_wasteful": "this project finds the spending not shown to be wasted",
    "looks_justified": "this project finds that the spending looks justified",
    "cannot_tell": "the facts do not decide it yet",
}
ANSWERS = {
    "Q1": {
        "claim_holds": "The cheap training run is real.",
        "claim_holds_for_its_scope": "The cheap training run is real, but it is one run and not the whole development.",
        "claim_fails": "The training run cost more than was claimed.",
        "cannot_tell": "Whether the training run was so cheap is open.",
    },
    "Q2": {
        "looks_wasteful": "If training is so cheap, a large part of the spending is no longer needed.",
        "not_shown_wasteful": "Cheap training alone makes little of the spending needless.",
        "cannot_tell": "How much of the spending cheap training makes needless is open{lean}.",
    },
    "Q3": {
        "on_course": "Revenue is on course to pay for the spending.",
        "falls_short": "Revenue falls short of what the spending needs.",
        "cannot_tell": "Whether revenue will pay for the spending is open{lean}.",
    },
    "Q4": {
        "market_said_waste": "Share prices and later plans said that it was waste.",
        "market_did_not_say_waste": "Share prices and later plans did not say that it was waste.",
        "cannot_tell": "What share prices and later plans said of it is open.",
    },
}
LEANINGS = {
    "looks_wasteful": ", and leans to much of it",
    "not_shown_wasteful": ", and leans to little of it",
    "on_course": ", and leans to yes",
    "falls_short": ", and leans to no",
}


def _percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def _about(share: float) -> str:
    """A share as people say it: whole per cents from ten on, one decimal from one on, else two digits that count."""
    percent = abs(100 * share)
    if percent >= 9.95 or percent == 0:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.095 else f"{float(f'{percent:.1g}'):f}".rstrip("0") + " %"


def _moved(share: float) -> str:
    """`fell 4.9 %`, `rose 3.0 %`."""
    return f"{'fell' if share < 0 else 'rose'} {_about(share)}"


def _points(gap: float) -> str:
    return f"{abs(gap):.1f} points {'below' if gap < 0 else 'above'}"


def _range(fields: Fields) -> str:
    """The ends of an interval of index points, from the nearer to the farther."""
    low, high = sorted((fields["low"], fields["high"]), key=abs)
    if low * high < 0:
        return f"between {_points(fields['low'])} and {_points(fields['high'])}"
    return f"between {abs(low):.1f} and {abs(high):.1f}"


# ---- What is not known, and claims without a formula ---------------------------------------------------------------


def _thing(fields: Fields) -> str:
    said = {name: day(value) if name in ("date", "before") else value for name, value in fields.items()}
    return THINGS[fields["what"]].format_map(said)


def _figure(fields: Fields) -> str:
    value = fields["value"]
    return f"Right is {fields['text'] or ('unknown' if value is None else f'''{value:.3g} ({fields['unit']})''')}."


# ---- The market on the day -----------------------------------------------------------------------------------------


def _day_was_not_over(fields: Fields) -> str:
    return (
        f"Where the article appeared, {day(fields['said_on'])} ended {fields['hours_left']:.0f} hours before New York's "
        f"close of {day(fields['session'])}. So it was written before that trading day was over. "
        "What the day brought in the end neither confirms nor refutes it."
    )


def _value_lost(fields: Fields) -> str:
    change = fields["change_usd"]
    return (
        f"One share went from {fields['close_before']:.2f} to {fields['close']:.2f} dollars, and there were "
        f"{fields['shares'] / 1e9:.2f} billion shares. That is a {'loss' if change < 0 else 'gain'} of "
        f"{money(abs(change), digits=3)}; the article says {money(abs(fields['claimed_usd']), digits=3)}."
    )


def _value_lost_by_the_press(fields: Fields) -> str:
    return (
        f"The press's {money(fields['reported_usd'], digits=3)} go with a closing price of "
        f"{fields['implied_close']:.2f} dollars, which is not the official {fields['close']:.2f}."
    )


def _return_of_the_day(fields: Fields) -> str:
    moved = fields["share_return"]
    return (
        f"Nvidia's share closed {_percent(abs(moved))} {'lower' if moved < 0 else 'higher'} on {day(fields['date'])} "
        "than on the trading day before."
    )


def _loss_above_the_record(fields: Fields) -> str:
    later = fields["larger_since"]
    since = (
        f" Of the losses known here since then, {number(later)} {'is' if later == 1 else 'are'} larger."
        if later
        else ""
    )
    return (
        f"Nvidia's loss of {money(fields['loss_usd'], digits=3)} was above the record until then, "
        f"{money(fields['record_usd'], digits=3)} by the press.{since}"
    )


def _record_in_dollars(fields: Fields) -> str:
    deeper = fields["deeper_falls"]
    year = date.fromisoformat(fields["since"]).year
    falls = "falls of one day were" if deeper != 1 else "fall of one day was"
    as_share = (
        f"As a share of a company's value, {number(deeper)} {falls} larger among the companies followed here since {year}. "
        if deeper
        else f"As a share of a company's value, no fall of one day was larger among those followed here since {year}. "
    )
    return (
        "But it is a record in dollars of the day, which favours the largest companies of the latest years. "
        f"{as_share}In dollars the comparison knows only {listed(fields['companies'])}, whose numbers of shares are known."
    )


def _releases(fields: Fields) -> str:
    moved = [r["abnormal_return"] for r in fields["releases"]]
    if not moved:
        return ""
    most = max(map(abs, moved))
    return f" On the days of the models' release Nvidia moved by no more than {_about(most)} beyond the market."


def _roles_moved(fields: Fields) -> str:
    def said(role: str, moved: Mapping[str, Any]) -> str:
        chance = "" if moved["beyond_chance"] else " (within chance)"
        return f"{ROLES[role]} {_moved(moved['abnormal_return'])}{chance}"

    roles = fields["roles"]
    if not roles:
        return "What groups of companies did beyond the market that day is not known."
    hurt = [said(role, roles[role]) for role in ("supplier", "power") if role in roles]
    users = [said(role, roles[role]) for role in ("buyer", "adopter") if role in roles]
    return " ".join(f"Beyond the market's own move, {listed(part)}." for part in (hurt, users) if part)


def _technology_fell(fields: Fields) -> str:
    return (
        f"On {day(fields['date'])} the US technology sector {_moved(fields['technology'])}. Chip makers "
        f"{_moved(fields['chips'])}, and the hundred largest companies of the Nasdaq exchange {_moved(fields['nasdaq_100'])}."
    )


def _world_is_not_shown(fields: Fields) -> str:
    abroad = listed(
        [f"{name.removesuffix(' (ADR)')} ({_moved(moved)})" for name, moved in fields["foreign_shares"].items()] or [""]
    )
    among = f" They include the foreign companies {abroad}." if fields["foreign_shares"] else ""
    return f"The world is not shown: the prices known here are of US exchanges.{among}"


def _technology_names_fell(fields: Fields) -> str:
    down = {role: f"{_percent(part, 0)} of the {ROLES[role]}" for role, part in fields["share_by_role"].items()}
    sides = [[down[role] for role in side if role in down] for side in (("supplier", "neocloud"), ("buyer", "adopter"))]
    spread = " ".join(f"That is {listed(side)}." for side in sides if side)
    return f"Of {fields['names']} technology companies followed here {fields['fell']} fell. {spread}"


def _many_fell(fields: Fields) -> str:
    hidden = ", but a smaller part of those who buy or use computing, which the sentence hides"
    return f"Many fell{hidden if fields['users_were_spared'] else ''}."


def _next_day(fields: Fields) -> str:
    return (
        f"On {day(fields['date'])} the US stock market {_moved(fields['market_return'])} and Nvidia "
        f"{_moved(fields['nvidia_return'])}"
    )


# ---- What it cost --------------------------------------------------------------------------------------------------


def _final_runs_rent(fields: Fields) -> str:
    with_r1 = fields["with_increment"]
    runs = "the last training run of V3, on which R1 is built" + (", and R1's own training" if with_r1 else "")
    alone = "" if with_r1 else " What R1's own training took was not yet known."
    stated, claimed = fields["stated_usd"], fields["claimed_usd"]
    side = "below" if stated < claimed else "not below"
    return (
        f"For {runs}, DeepSeek states {money(stated, claimed)}, {side} {money(claimed)}.{alone} "
        f"At rental prices of the time the same hours cost {moneys(fields['low_usd'], fields['high_usd'])}."
    )


def _run_over_a_year(fields: Fields) -> str:
    spent = money(fields["spent_usd"])
    whose = (
        f"{fields['entity']}'s research computing of a whole year, {spent}"
        if "entity" in fields
        else f"all that four large US companies spent on equipment in a year, {spent}"
    )
    return (
        f"The sentence sets one training run, {money(fields['run_usd'])}, against {whose}. "
        f"That makes {_about(fields['ratio'])}, but it compares a part with a whole."
    )


def _programme(fields: Fields, closing: str) -> str:
    tiny = "which is tiny too" if fields["is_tiny"] else "which is small but not tiny"
    return (
        f"DeepSeek's whole research, an estimated {moneys(fields['low_usd'], fields['high_usd'])}, is about "
        f"{_about(fields['middle'])} of it, {tiny}. It may be {_about(fields['low'])} to {_about(fields['high'])}{closing}."
    )


def _programme_over_capex(fields: Fields) -> str:
    return _programme(fields, ", and much of that equipment does not train models")


def _building_is_a_programme(fields: Fields) -> str:
    return (
        f"Building the model takes all the research before it, an estimated "
        f"{moneys(fields['low_usd'], fields['high_usd'])}. The last run is taken to be {_percent(fields['share_low'], 0)} "
        f"to {_percent(fields['share_high'], 0)} of a lab's research computing."
    )


def _developer_names_the_final_run(fields: Fields) -> str:
    paper = "; its paper itself leaves earlier research out" if fields["paper_says_so"] else ""
    return f"Right is that DeepSeek puts the last training run alone at {money(fields['stated_usd'])}{paper}."


def _final_run_took(fields: Fields) -> str:
    return (
        f"The training run whose cost is quoted took {fields['days']:.0f} days, by DeepSeek's own figures. "
        f"That is about {fields['months']:.1f} months."
    )


def _work_before_took_longer(fields: Fields) -> str:
    months = fields["months_since_first_model"]
    span = "" if months is None else f": its first listed model came {months:.1f} months before R1"
    return f"Right is that the work before it took longer{span}. No fact dates its start."


def _value_of_hearsay(fields: Fields) -> str:
    chip, cheapest = (fields[name].split()[0] for name in ("chip", "cheapest_chip"))
    return (
        f"The count of chips is hearsay, so their value is too. If all {fields['count']:,.0f} were {chip} at "
        f"{fields['price_usd']:,.0f} dollars each, they cost {money(fields['value_usd'])}. If all were the cheaper "
        f"{cheapest} at {fields['cheapest_price_usd']:,.0f} dollars, they cost {money(fields['low_usd'])}."
    )


def _fleet_by_the_press(fields: Fields) -> str:
    return f"The press puts what the lab bought at {moneys(fields['low_usd'], fields['high_usd'])}."


def _earlier_cluster(fields: Fields) -> str:
    return (
        f"Right is that there was a larger cluster before: {fields['a100s']:,.0f} A100 chips, "
        f"against {fields['gpus_of_the_run']:,} H800 for the run."
    )


def _research_before_the_run(fields: Fields) -> str:
    verb = "are possible" if fields["is_possible"] else "are not shown"
    press = fields["press_usd"]
    beside = "" if press is None else f" The press's {money(press)} for running the lab's chips is hearsay."
    return (
        f"Hundreds of millions {verb}: by the shares assumed for such runs, the research before it took "
        f"{moneys(fields['low_usd'], fields['high_usd'])} of computing.{beside}"
    )


def _offers_around_the_run(fields: Fields) -> str:
    claimed, low, high = (fields[f"{name}_usd"] for name in ("claimed", "low", "high"))
    if claimed > high:
        side = f"{_percent(claimed / high - 1, 0)} above the highest"
    elif claimed >= low:
        side = "inside that range"
    else:
        side = f"{_percent(abs(1 - claimed / low), 0)} below the lowest"
    stand_in = fields["stand_in"]
    of = f" for the {stand_in.split()[0]}, the nearest chip with a price" if stand_in else ""
    return (
        f"Rental firms around that time asked {low:.2f} to {high:.2f} dollars an hour{of}, {fields['middle_usd']:.2f} "
        f"in the middle. So the assumption lies {side}."
    )


# ---- The chips -----------------------------------------------------------------------------------------------------


def _made_for_export(fields: Fields) -> str:
    link, of_h100 = fields["link_gb_per_s"], fields["link_of_h100_gb_per_s"]
    return (
        "Right is that the H800 was made for export. "
        f"Its link between chips carries {link:.0f} gigabytes a second against the H100's {of_h100:.0f}. "
        f"Its peak computing speed is {_percent(fields['peak_share'], 0)} of the H100's."
    )


def _fastest_chip_on_sale(fields: Fields) -> str:
    return (
        f"The run began on {day(fields['began'])} at the latest, when the fastest chip on sale was the {fields['fastest']}. "
        f"The {fields['chip'].split()[0]} reached {_percent(fields['share_of_peak'], 0)} of its peak speed."
    )


def _vendors_fastest_chip(fields: Fields) -> str:
    vendor = "Nvidia" if fields["vendor"] == "NVIDIA" else fields["vendor"]
    return (
        f"Against {vendor}'s own fastest, the {fields['fastest']}, it had {_percent(fields['share_of_peak'], 0)} of the "
        "speed, but a slower link between chips."
    )


def _cluster_is_smaller(fields: Fields) -> str:
    return (
        f"The paper has {fields['a100s']:,.0f} A100 chips, "
        f"so the article's number is {fields['times_too_many']:.3g} times too many."
    )


# ---- How good it is, and how fast things get cheaper ---------------------------------------------------------------


def _judged_by_tests(fields: Fields) -> str:
    ahead, tests = fields["ahead"], fields["tests"]
    return (
        f"When R1 came out, DeepSeek's own tests put it ahead of o1, the best US model on sale, in {number(ahead)} of "
        f"{number(tests)} tests."
    )


def _r1_and_o1(fields: Fields) -> str:
    return (
        f"An index of {day(fields['published_on'])}, by the research group Epoch AI, puts R1 {_points(fields['gap'])} "
        f"o1 ({_range(fields)}). o1 is {fields['days_older']} days older."
    )


def _best_open_and_closed(fields: Fields) -> str:
    months = fields["months_after_a_closed_one"]
    lag = "" if months is None else f" It came {months:.1f} months after the first closed model of its level."
    return (
        f"On {day(fields['date'])} the best open model was {fields['open']}, and the best closed one {fields['closed']}. "
        f"By Epoch AI's index of {day(fields['published_on'])} the open one stood {_points(fields['gap'])} "
        f"({_range(fields)}).{lag}"
    )


def _best_open_and_closed_now(fields: Fields) -> str:
    return (
        f"Of all the models in the index of {day(fields['published_on'])} the best open one is {fields['open']}. "
        f"It stands {_points(fields['gap'])} {fields['closed']}, the best closed one."
    )


def _compute_for_the_same(fields: Fields) -> str:
    return (
        f"The same ability takes {fields['times']:.1f} times less computing in training each year "
        f"({fields['low']:.1f} to {fields['high']:.1f}, from {fields['models']} models). "
        "So similar results at lower cost are what the trend brings."
    )


def _place_on_the_trend(fields: Fields) -> str:
    if fields["is_break"]:
        return f"{fields['model']} lies far below that trend, which is a break."
    return f"{fields['model']} lies within the usual scatter around that trend and does not break it."


def _published_declines(fields: Fields) -> str:
    low, high = fields["low"], fields["high"]
    span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return (
        f"Published estimates say that training gets {span} times cheaper a year. "
        f"No index of ability was known by {day(fields['known_by'])} to recompute it."
    )


# ---- What came of it -----------------------------------------------------------------------------------------------


def _revenue_went(fields: Fields) -> str:
    return (
        f"Nvidia's revenue was {money(fields['before_usd'])} in the quarter to {day(fields['before_end'])} and "
        f"{money(fields['after_usd'])} in the one to {day(fields['after_end'])}. "
        f"The least of the quarters since the statement was {money(fields['least_usd'])}."
    )


def _inference_share(fields: Fields) -> str:
    low, high = fields["low"], fields["high"]
    between = f" Over the years that it looks at, the share is {_percent(low, 0)} to {_percent(high, 0)}."
    return (
        f"{fields['entity']} puts inference, the running of finished models, at {_percent(fields['share'], 0)} of "
        f"{PART_OF[fields['of']]}.{between if low < high else ''} So it does need very many chips."
    )


def _question_and_not_a_claim(fields: Fields) -> str:
    parts = [
        ANSWERS[question][verdict].format(lean=LEANINGS.get(fields["leanings"].get(question, ""), ""))
        for question, verdict in sorted(fields["by_question"].items())
        if verdict in ANSWERS.get(question, {})
    ]
    return " ".join([f"This is a question rather than a claim, and {OVERALL[fields['verdict']]}.", *parts])


WORDS: dict[str, Words] = {
    "not_known": lambda fields: f"{_thing(fields)} was not known by {day(fields['known_by'])}.",
    "not_known_because": lambda fields: f"{_thing(fields)} is not known: {fields['because']}",
    "right_figure": _figure,
    "curated_finding": "{text}",
    "curated_right": "{text}",
    "no_source_was_read": "No source that decides this has been read.",
    "decided_by_later_sources": lambda fields: (
        f"What decides it was published later than {day(fields['as_of'])}, so it could not be told then."
    ),
    # The market on the day.
    "value_lost": _value_lost,
    "value_lost_by_the_press": _value_lost_by_the_press,
    "return_of_the_day": _return_of_the_day,
    "loss_above_the_record": _loss_above_the_record,
    "record_in_dollars": _record_in_dollars,
    "earlier_losses_were_larger": lambda fields: (
        f"Of earlier losses in one day, {number(fields['larger'])} {'was' if fields['larger'] == 1 else 'were'} larger than "
        f"{money(fields['loss_usd'], digits=3)}. It was large, but not the largest."
    ),
    "no_fall_beyond_chance": lambda fields: (
        f"Beyond the market's own move Nvidia {_moved(fields['abnormal_return'])}. "
        "That is not a fall beyond what chance does, so there is nothing to explain."
    ),
    "timing_is_right": lambda fields: (
        f"Right is the timing: Nvidia {_moved(fields['abnormal_return'])} beyond the market that day, more than chance does."
    ),
    "roles_moved": _roles_moved,
    "cause_fits": lambda fields: (
        "A cheaper model would hurt those who sell computing and power, and not those who buy or use it. Just that was seen. "
        f"Prices cannot prove a cause.{_releases(fields)}"
    ),
    "cause_does_not_fit": lambda fields: (
        "A cheaper model would hurt those who sell computing and power, and not those who buy or use it. "
        f"That pattern was not seen, and prices show when and not why.{_releases(fields)}"
    ),
    "day_was_not_over": _day_was_not_over,
    "technology_fell": _technology_fell,
    "world_is_not_shown": _world_is_not_shown,
    "technology_names_fell": _technology_names_fell,
    "many_fell": _many_fell,
    "fall_had_stopped": lambda fields: f"{_next_day(fields)}: by the close the fall had stopped.",
    "nvidia_won_back_a_part": "Right is that Nvidia had won back only part of it.",
    "fall_went_on": lambda fields: f"{_next_day(fields)}: the fall went on.",
    # What it cost.
    "final_runs_rent": _final_runs_rent,
    "final_runs_are_not_all": "That is the rent of the last runs. Research, failed runs and the chips are not in it.",
    "run_over_a_year": _run_over_a_year,
    "programme_over_a_lab": lambda fields: _programme(fields, ""),
    "programme_over_capex": _programme_over_capex,
    "run_against_run": lambda fields: (
        f"Run against run at equal rents, it cost {_about(fields['ratio'])} of what Meta's large model Llama 3.1 405B did."
    ),
    "cheaper_but_by_less": "Right is that it is cheap, though by less than the sentence makes it.",
    "building_is_a_programme": _building_is_a_programme,
    "developer_names_the_final_run": _developer_names_the_final_run,
    "final_run_took": _final_run_took,
    "work_before_took_longer": _work_before_took_longer,
    "value_of_hearsay": _value_of_hearsay,
    "fleet_by_the_press": _fleet_by_the_press,
    "earlier_cluster": _earlier_cluster,
    "research_before_the_run": _research_before_the_run,
    "hardware_is_another_rung": lambda fields: (
        f"The chips themselves, which is another thing, are put at {money(fields['value_usd'])}."
    ),
    "paper_assumes_the_price": lambda fields: (
        f"Right is that the paper assumes {fields['claimed_usd']:.2f} dollars for an hour of one chip and says so."
    ),
    "offers_around_the_run": _offers_around_the_run,
    "no_offer_in_china": "No offer inside China is known here.",
    # The chips.
    "paper_names_the_chip": (
        "Right is that the paper names the {chip}. No chip is called {claimed}, which garbles that name."
    ),
    "chip_was_released": lambda fields: f"It is a chip of Nvidia's, released on {day(fields['date'])}.",
    "made_for_export": _made_for_export,
    "needed_a_licence": lambda fields: (
        f"It met the US rule of 2022, but from {day(fields['since'])} it needed a licence too."
    ),
    "fastest_chip_on_sale": _fastest_chip_on_sale,
    "vendors_fastest_chip": _vendors_fastest_chip,
    "cluster_is_smaller": _cluster_is_smaller,
    "post_said_it_right": lambda fields: (
        f"The post that the article quotes said {fields['a100s']:,.0f} as well, so the error is the article's."
    ),
    "earlier_paper_has_such_a_cluster": (
        "Right is that an earlier paper describes a cluster of these chips, larger than the one of the last run."
    ),
    "cluster_in_the_paper": lambda fields: f"The paper has {fields['a100s']:,.0f} A100 chips.",
    # How good it is, and how fast things get cheaper.
    "judged_by_tests": _judged_by_tests,
    "r1_and_o1": _r1_and_o1,
    "later_index_refutes_no_judgement": (
        "The sentence says how R1 was judged then, and an index of a later day cannot refute that."
    ),
    "close_to_the_best": "Right is that it came close to the best US model of the day.",
    "best_open_and_closed": _best_open_and_closed,
    "best_open_and_closed_now": _best_open_and_closed_now,
    "open_models_follow": "Right is that open models follow closely.",
    "compute_for_the_same": _compute_for_the_same,
    "place_on_the_trend": _place_on_the_trend,
    "published_declines": _published_declines,
    # What came of it.
    "revenue_went": _revenue_went,
    "revenue_is_all_of_it": (
        "That is all its revenue, as no figure for data centres alone is known here. It fits the reading but does not show "
        "that running models was the reason. No source names the experts."
    ),
    "nvidia_said_so": "Right is that Nvidia said so.",
    "inference_share": _inference_share,
    "claim_has_no_number": "The sentence has no number, and it comes from the company that sells the chips.",
    "question_and_not_a_claim": _question_and_not_a_claim,
    "to_ask_is_right": "Right is to ask it: one cheap training run cannot show waste.",
    "count_is_hearsay": "This is hearsay: no filing, paper or record shows the count.",
    "other_hearsay": lambda fields: (
        f"Other hearsay, of {day(fields['known_on'])}, has {fields['chips']:,.0f} chips of several kinds, not of the H100 alone."
    ),
}
