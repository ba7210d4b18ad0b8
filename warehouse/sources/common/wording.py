"""The one place where what sources say becomes English: each code of a reason with its words.

A text takes the reason's `{fields}`; a function makes more of them. A list stands in a text with commas. Nothing reads
these sentences back: rewording one changes no row, no decision and no alert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from warehouse.sources.common.reasons import Reason

Fields = Mapping[str, Any]
Words = str | Callable[[Fields], str]
SEPARATOR = "; "


def sentence(reason: Reason) -> str:
    """One reason in words. Raises KeyError where its code has none."""
    words = WORDS[reason.code]
    if callable(words):
        return words(reason.fields)
    return words.format_map({name: _in_text(value) for name, value in reason.fields.items()})


def sentences(reasons: Iterable[Reason]) -> str:
    """Several reasons as one text."""
    return SEPARATOR.join(map(sentence, reasons))


def _in_text(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


# -- pieces -----------------------------------------------------------------------------------------------------------


def _counted(names: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name or '(none)'} ({rows})" for name, rows in names)


def _names(fields: Fields) -> str:
    """The first names with their rows, and how many more there are."""
    more = fields["more_names"]
    return _counted(fields["names"]) + (f" and {more} more" if more else "")


def _first(fields: Fields) -> str:
    """The first names of a count."""
    return ", ".join(fields["names"]) + (", ..." if fields["count"] > len(fields["names"]) else "")


def _shown(value: Any) -> str:
    return "null" if value is None else f"'{value}'"


def _candidates(fields: Fields) -> str:
    tags = fields["candidates"]
    return f"; add the right one to {fields['list']}, perhaps {', '.join(tags)}" if tags else ""


# -- rows that cannot be read -----------------------------------------------------------------------------------------


def _is_not(what: str) -> Words:
    return lambda fields: f"{fields['column']}: {_shown(fields['found'])} is not {what}"


def _in_other_currency(fields: Fields) -> str:
    return f"{fields['column']}: the price is in {', '.join(fields['found']) or 'no currency'}, not in USD"


def _in_other_unit(fields: Fields) -> str:
    return f"{fields['column']}: the price is for {_shown(fields['found'])}, not for '{fields['wanted']}'"


ROWS: dict[str, Words] = {
    "empty_field": "{column}: is empty",
    "missing_field": lambda fields: f"{', '.join(fields['columns'])} is missing",
    "unexpected_start": "start: is given for a figure at a point in time",
    "not_a_number": _is_not("a number"),
    "not_a_whole_number": _is_not("a whole number"),
    "not_a_date": _is_not("a date (YYYY-MM-DD)"),
    "not_a_time": _is_not("a time (ISO 8601)"),
    "not_a_flag": _is_not("true or false"),
    "not_a_gpu_count": _is_not("a number of GPUs"),
    "not_a_past_time": _is_not("a time before the file was received"),
    "not_above_zero": "{column}: {found:g} is not a price; a list shows zero for what it does not sell",
    "other_currency": _in_other_currency,
    "other_unit": _in_other_unit,
    "unknown_value": lambda fields: (
        f"{fields['column']}: {_shown(fields['found'])} is none of {', '.join(fields['known'])}"
    ),
    "unknown_name": "{what} '{found}' is not known; add it to {list}",
    "gpu_count_unknown": "{column}: nothing says how many GPUs {instance} has",
    "no_price_of_model": "prices: there is none of the model {model}",
    "context_missing": "contextRef: the filing has no context {context}",
    "context_without_company": "contextRef: the context {context} names '{found}', which is no CIK of a company",
    "context_without_days": "contextRef: the context {context} has no day that can be read",
    "figure_in_other_unit": lambda fields: f"unitRef: the figure is in {_shown(fields['found'])}, not in USD",
    "number_format_unknown": "format: nobody has said how a number of the format {format} is written ('{found}')",
    "figures_differ": lambda fields: (
        f"the filing gives {fields['tag']} of {fields['period_end']} as "
        f"{' and '.join(map(str, fields['values']))}, which no rounding explains"
    ),
    "other_field_count": "the line has not as many fields as the header",
    "other_form": "the row does not have the form of the others ({error})",
}
"""Codes of rows that go to quarantine because they cannot be read."""

# -- rows that are understood and left out ----------------------------------------------------------------------------

LEFT_OUT: dict[str, Words] = {
    "left_out_by_name": lambda fields: fields["note"] or "left out in the table of names",
    "part_of_a_gpu": "a part of a GPU, which is no price of a whole one",
    "no_gpu": "an instance without GPUs",
    "software_licence": "a software licence, not a GPU",
    "licence_in_the_price": "{licence}: the licence is in the price",
    "resold": "an older service that resells the same sizes",
    "other_service": "another service: {service}",
    "low_priority": "Low Priority, for one batch service only",
    "development_only": "for development and tests only",
    "secondary_meter": "a meter that bills nobody in this region",
    "larger_quantities": lambda fields: (
        f"{fields['tiers']} tier{'' if fields['tiers'] == 1 else 's'} for larger quantities"
    ),
    "begins_later": "a price that begins later",
    "has_ended": "a price that has ended",
    "followed_by_a_later_price": "a price that a later one has followed",
    "other_term": lambda fields: (
        f"reserved for {fields['term'] or 'another term'}, where one and three years are compared"
    ),
    "serverless": "serverless: paid by the second of use",
    "cluster": "a cluster, paid for a term",
    "other_metric": "another unit: {found}",
    "terms_forbid": "the provider's terms forbid collecting its prices, or an index of them",
    "not_for_rent": "rented already, or not for rent",
    "unverified_host": "of a host that nobody has verified",
    "not_offered": "{column} is zero or empty: not offered",
}
"""Codes of rows that are no rental price of a whole GPU."""

# -- what to know of a document ---------------------------------------------------------------------------------------


def _rows_left_out(fields: Fields) -> str:
    why = sentence(Reason(fields["why"], fields["of_why"]))
    return f"{fields['document']}: {fields['rows']} rows left out ({why}): {_names(fields)}"


def _unknown_names(fields: Fields) -> str:
    return (
        f"{fields['document']}: {fields['rows']} rows with an unknown {fields['what']} are quarantined: {_names(fields)}; "
        f"add it to {fields['list']}"
    )


def _other_units(fields: Fields) -> str:
    loss = "" if fields["is_read"] else f"; {fields['measure']} has no row of it"
    units = ", ".join(fields["units"])
    return f"{fields['document']}: {fields['tag']} is filed in {units}, and only {fields['unit']} is read{loss}"


def _no_tag(fields: Fields) -> str:
    return (
        f"{fields['ticker']}: no tag of {fields['measure']} that {fields['list']} lists is filed in {fields['unit']}"
        f"{_candidates(fields)}"
    )


def _capex_ended(fields: Fields) -> str:
    return (
        f"{fields['ticker']}: capex ends on {fields['capex_until']} and revenue on {fields['revenue_until']}; the company "
        f"may have changed its tag{_candidates(fields)}"
    )


def _not_in_filing(fields: Fields) -> str:
    others = "; ".join(fields["others"])
    there = f"; it stands there with {others}: is one of them meant? Then correct {fields['list']}" if others else ""
    return (
        f"{fields['ticker']}: the {fields['form']} {fields['accession']} has no {fields['tag']} with "
        f"{fields['dimensions']}{there}"
    )


def _several_share_counts(fields: Fields) -> str:
    pages = "a cover page gives" if fields["pages"] == 1 else f"{fields['pages']} cover pages give"
    return f"{fields['ticker']}: {pages} several share counts, perhaps of classes of shares; none of them is used"


def _outdated_correction(fields: Fields) -> str:
    return (
        f"{fields['document']}, {fields['locator']}: {fields['chip']} now has {fields['column']} "
        f"{fields['found'] or 'blank'}, no longer {fields['published'] or 'blank'}; the correction in {fields['list']} no "
        "longer applies, look at it again"
    )


NOTICES: dict[str, Words] = {
    # GPU prices.
    "rows_left_out": _rows_left_out,
    "unknown_names": _unknown_names,
    "field_as_text": "{document}: {column} is text in some rows, where this list has numbers; read as a number",
    "spot_not_below_on_demand": (
        "{document}: {rows} spot prices are not below the on-demand price of the same offer; kept and noted"
    ),
    "gpu_count_differs": (
        "{document}: {instance}: the list says {listed:g} GPUs and the table of names {known} ({rows} rows); "
        "read as {known}"
    ),
    "repeated_rows": "{document}: {rows} rows say the same as another one and are loaded once",
    "new_fields": "{document}: fields that were not there before are not read: {columns}",
    "carried_forward": lambda fields: (
        f"{fields['document']}: {fields['rows']} offers are carried forward from earlier days and count on those: "
        f"{_counted(fields['names'])}"
    ),
    "providers_without_offers": "{document}: providers without any offer in this file: {names}",
    # Daily bars.
    "no_bar": "{ticker}: no bar on {day} ({locator} holds nulls); the next fetch asks again.",
    "two_bars": "{ticker}: two bars for {day}; the later one was taken.",
    # Filings.
    "filed_in_other_units": _other_units,
    "no_tag_of_measure": _no_tag,
    "larger_capex_unlisted": lambda fields: (
        f"{fields['ticker']}: {', '.join(fields['tags'])} holds much more than the listed tags of capex, which is unknown until "
        f"the right one is added to {fields['list']}"
    ),
    "capex_ended": _capex_ended,
    "figure_not_in_filing": _not_in_filing,
    "no_share_count": "{ticker}: no share count on its cover pages; it may have classes of shares",
    "several_share_counts": _several_share_counts,
    # Models and chips.
    "models_with_other_figures": lambda fields: (
        f"{fields['count']} models are listed with different figures; the first that has training compute counts: "
        f"{_first(fields)}"
    ),
    "models_in_two_spellings": lambda fields: (
        f"{fields['count']} models are listed in a second spelling and count once: {_first(fields)}"
    ),
    "unknown_chips": lambda fields: (
        f"{fields['count']} unknown chips in {fields['document']}; give each a place in {fields['list']}: {_first(fields)}"
    ),
    "chips_no_longer_listed": lambda fields: (
        f"{fields['count']} chips are no longer in {fields['document']}; their last figures stay: {_first(fields)}"
    ),
    "chip_without_figures": "{document}, {locator}: {chip} is left out, the list has no {columns}",
    "chip_listed_again": "{document}, {locator}: {chip} is listed twice; the first row counts",
    "correction_no_longer_applies": _outdated_correction,
}
"""Codes of notices, which lose no row."""

WORDS: dict[str, Words] = {**ROWS, **LEFT_OUT, **NOTICES}
