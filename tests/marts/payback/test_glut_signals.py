"""The four glut signals on facts with known answers; what no fact speaks to stays unknown."""

from __future__ import annotations

from datetime import date, timedelta
from math import exp

import numpy as np
import polars as pl
import pytest

from tests.built import build
from tests.conftest import with_provenance
from tests.marts.gpu.cases import cpi
from warehouse.marts import known
from warehouse.marts.common.reasons import reason
from warehouse.marts.payback import glut_signals
from warehouse.tables import CORE

AS_OF = date(2026, 6, 30)
YEAR = 365.25


def offers(*rows: tuple[str, date, float], chip="H100 SXM", kind="on_demand", who="specialist", size: int | None = 8):
    named = [
        {"observation_id": f"{i}-{provider}-{chip}-{kind}-{who}", "provider": provider, "observed_on": day,
         "usd_per_gpu_hour": price, "gpu_model": chip, "pricing_kind": kind, "provider_class": who, "instance": chip,
         "gpu_count": size, "region": "", "grade": "C", "known_on": day, "locator": f"line {i}"}
        for i, (provider, day, price) in enumerate(rows)
    ]  # fmt: skip
    if not named:
        return CORE["gpu_prices"].empty()
    types = {"gpu_count": pl.Int64, "usd_per_gpu_hour": pl.Float64}
    return with_provenance(CORE["gpu_prices"], pl.DataFrame(named, schema_overrides=types))


def signals(
    assumptions,
    offered: pl.DataFrame | None = None,
    as_of: date = AS_OF,
    consumer: pl.DataFrame | None = None,
    **facts: pl.DataFrame,
) -> dict:
    given = {
        "gpu_prices": offers() if offered is None else offered,
        "consumer_prices": cpi() if consumer is None else consumer,
    }
    frames = known(facts | given, as_of)
    found = glut_signals.MART.run(frames, as_of=as_of, assumptions=assumptions)
    return {row["signal"]: row for row in found.to_dicts()}


def falling(provider: str, decline: float, start: float, days: tuple[int, ...]) -> list[tuple[str, date, float]]:
    """Prices of one provider that fall by `decline` log points a year."""
    first = date(2025, 6, 1)
    return [(provider, first + timedelta(days=d), start * exp(-decline * d / YEAR)) for d in days]


def test_rents_matched_by_provider(assumptions):
    """Both providers fall by 0.9 a year; the dear one is seen early, the cheap one late: unmatched they fall faster.

    New chips get cheaper by the cited 0.33 (no chip with a price is known): the excess is 0.57, above 0.40.
    """
    rows = falling("dear", 0.9, 8.0, (0, 100, 120)) + falling("cheap", 0.9, 2.0, (150, 300, 320))
    row = signals(assumptions, offers(*rows))["rental_prices"]
    assert row["value"] == pytest.approx(0.9 - 0.33, abs=1e-9)
    assert row["triggered"] is True
    assert "2 providers" in row["facts"]


@pytest.mark.parametrize(("decline", "triggered"), [(0.72, False), (0.74, True), (-0.5, False)])
def test_threshold_of_rents(decline, triggered, assumptions):
    row = signals(assumptions, offers(*falling("one", decline, 3.0, (0, 100, 300))))["rental_prices"]
    assert row["triggered"] is triggered


@pytest.mark.parametrize(("decline", "said"), [(0.5, "fell by 0.50"), (-0.5, "rose by 0.50"), (0.0, "did not change")])
def test_a_rise_of_rents_is_not_called_a_negative_fall(decline, said, assumptions):
    row = signals(assumptions, offers(*falling("one", decline, 3.0, (0, 100, 300))))["rental_prices"]
    assert f"rents of 1 provider seen more than once {said}" in row["facts"]


def test_providers_seen_once_and_other_offers_say_nothing(assumptions):
    once = [("a", date(2025, 7, 1), 9.0), ("b", date(2026, 5, 1), 1.0), ("c", date(2026, 5, 1), 0.5)]
    steep = falling("x", 3.0, 9.0, (0, 200))
    others = [
        offers(*steep, chip="A100 SXM 80GB"), offers(*steep, kind="spot"), offers(*steep, who="hyperscaler"),
        offers(("old", date(2020, 1, 1), 90.0), ("old", date(2024, 12, 1), 1.0)),
    ]  # fmt: skip
    row = signals(assumptions, pl.concat([offers(*once), *others]))["rental_prices"]
    assert (row["value"], row["triggered"]) == (None, None)
    assert row["reasons"] == [reason("no_price_on_two_days", chip="H100 SXM", months=18)]


def test_rents_are_deflated_by_consumer_prices(assumptions):
    """Rents fall by 0.70 a year and consumer prices rise by 0.10: 0.80 in real terms, 0.47 beyond the cited 0.33."""
    first = date(2025, 1, 1)
    months = [date(2025 + number // 12, number % 12 + 1, 1) for number in range(18)]
    rising = cpi({month: 100 * exp(0.10 * (month - first).days / YEAR) for month in months})
    prices = [("one", month, 3.0 * exp(-0.70 * (month - first).days / YEAR)) for month in months]
    row = signals(assumptions, offers(*prices), consumer=rising)["rental_prices"]
    assert row["value"] == pytest.approx(0.80 - 0.33, abs=1e-9)
    assert row["triggered"] is True
    nominal = signals(assumptions, offers(*prices))["rental_prices"]
    assert (nominal["value"], nominal["triggered"]) == (pytest.approx(0.37, abs=1e-9), False)
    unknown = signals(assumptions, offers(*prices), consumer=cpi({}))["rental_prices"]
    assert unknown["reasons"] == [reason("no_consumer_prices")]


def test_rents_are_matched_by_size(assumptions):
    """A single GPU read first and a node of eight later is no fall, however much less an eighth of the node costs."""
    single = offers(("one", date(2025, 7, 1), 9.0), ("one", date(2025, 12, 1), 9.0), size=1)
    eight = offers(("one", date(2025, 12, 1), 3.0), ("one", date(2026, 5, 1), 3.0))
    row = signals(assumptions, pl.concat([single, eight]))["rental_prices"]
    assert row["value"] == pytest.approx(0 - 0.33, abs=1e-9)


def test_slope_is_least_squares_with_one_dummy_a_size_of_a_provider(assumptions):
    """The same slope by numpy, with a dummy for each size of each provider."""
    rng = np.random.default_rng(7)
    rows = [
        (f"p{p}", size, date(2025, 1, 5) + timedelta(days=int(d)), float(rng.lognormal(1, 0.3)))
        for p in range(3)
        for size in (1, 8)
        for d in rng.choice(500, size=p + 2, replace=False)
    ]
    offered = pl.concat([offers((p, day, usd), size=size) for p, size, day, usd in rows])
    years = np.array([(row[2] - date(2025, 1, 1)).days / YEAR for row in rows])
    things = sorted({row[:2] for row in rows})
    dummies = np.array([[row[:2] == thing for thing in things] for row in rows], dtype=float)
    slope = np.linalg.lstsq(np.column_stack([years, dummies]), np.log([row[3] for row in rows]), rcond=None)[0][0]
    row = signals(assumptions, offered, as_of=date(2026, 6, 30))["rental_prices"]
    assert row["value"] == pytest.approx(-slope - 0.33, rel=1e-9)


def chips(n: int, name: str = "DC") -> pl.DataFrame:
    """`n` chips a year apart whose price per FLOP/s falls by 0.2 log points a year."""
    rows = [
        {"gpu_model": f"{name} {i}", "vendor": "v", "release_date": date(2017 + i, 1, 1), "bf16_dense_tflops": 100.0,
         "list_price_usd": 1e4 * exp(-0.2 * (date(2017 + i, 1, 1) - date(2017, 1, 1)).days / YEAR), "memory_gb": 80.0,
         "export_restricted": False, "known_on": date(2017 + i, 1, 1), "grade": "B"}
        for i in range(n)
    ]  # fmt: skip
    return with_provenance(CORE["gpu_specs"], pl.DataFrame(rows))


@pytest.mark.parametrize(
    ("specs", "of_chips"),
    [(lambda: chips(5), 0.2), (lambda: chips(4), 0.33), (lambda: pl.concat([chips(4), chips(4, "RTX")]), 0.33)],
)
def test_new_chips_are_fitted_where_five_data_centre_chips_have_a_price(specs, of_chips, assumptions):
    row = signals(assumptions, offers(*falling("one", 0.9, 3.0, (0, 300))), gpu_specs=specs())["rental_prices"]
    assert row["value"] == pytest.approx(0.9 - of_chips, abs=1e-9)


def backlog(**usd: tuple[float, ...]) -> pl.DataFrame:
    """Backlog at the ends of the quarters from 2025-09-30 on; 0 leaves one out."""
    ends = (date(2025, 9, 30), date(2025, 12, 31), date(2026, 3, 31), date(2026, 6, 30))
    rows = [
        {"ticker": ticker, "measure": "remaining_performance_obligation", "tag": "", "period_end": end,
         "period_type": "instant", "value_usd": int(value * 1e9), "form": "10-Q", "accession": "", "known_on": end}
        for ticker, values in usd.items()
        for end, value in zip(ends, values, strict=False)
        if value
    ]  # fmt: skip
    return with_provenance(CORE["company_facts"], pl.DataFrame(rows))


@pytest.mark.parametrize(
    ("usd", "quarters", "triggered"),
    [
        ({"MSFT": (300, 290, 280)}, 2, True),
        ({"MSFT": (300, 310, 280)}, 1, False),
        ({"MSFT": (300, 290, 300)}, 0, False),
        ({"MSFT": (300, 290, 290)}, 0, False),
        # One falls, the other rises more: the sum rises.
        ({"MSFT": (300, 290, 280), "AMZN": (100, 120, 150)}, 0, False),
        # Amazon has two of three quarters, so it is left out and its late arrival hides no fall.
        ({"MSFT": (300, 290, 280), "AMZN": (0, 120, 150)}, 2, True),
        # Nvidia is no buyer.
        ({"MSFT": (300, 310, 320), "NVDA": (900, 500, 100)}, 0, False),
        ({"MSFT": (300, 290)}, None, None),
        # Alphabet's figures of 2026Q1 are of a wider definition than those before: no rise of its own hides a fall.
        ({"MSFT": (300, 290, 280), "GOOGL": (100, 120, 950)}, 2, True),
    ],
)
def test_backlog(usd, quarters, triggered, assumptions):
    row = signals(assumptions, company_facts=backlog(**usd))["falling_backlog"]
    assert (row["value"], row["triggered"]) == (quarters, triggered)


def test_one_definition_counts_through_all_three_quarters(assumptions):
    """Microsoft's commercial backlog falls twice, its total, with a new line of business, rises: the commercial one counts."""
    total = backlog(MSFT=(300, 310, 320))
    commercial = backlog(MSFT=(290, 280, 270)).with_columns(
        measure=pl.lit("commercial_remaining_performance_obligation")
    )
    row = signals(assumptions, company_facts=pl.concat([total, commercial]))["falling_backlog"]
    assert (row["value"], row["triggered"]) == (2, True)
    # Where one of its quarters is missing the total counts, and never one quarter of either.
    part = commercial.filter(pl.col("period_end") > date(2025, 9, 30))
    row = signals(assumptions, company_facts=pl.concat([total, part]))["falling_backlog"]
    assert (row["value"], row["triggered"]) == (0, False)


def test_backlog_of_long_ago_says_nothing(assumptions):
    """Falls in the three quarters to March 2026 are no sign at the end of 2027."""
    facts = backlog(MSFT=(300, 290, 280))
    assert signals(assumptions, company_facts=facts, as_of=date(2027, 3, 1))["falling_backlog"]["triggered"] is True
    assert signals(assumptions, company_facts=facts, as_of=date(2027, 12, 31))["falling_backlog"]["triggered"] is None


def lives(*rows: tuple[str, str, date, float]) -> pl.DataFrame:
    frame = pl.DataFrame(
        [
            {"evidence_id": i, "topic": "useful_life", "entity": e, "metric": "server_useful_life", "as_of_date": d,
             "value": v, "unit": "years", "known_on": d, "grade": "C"}
            for i, e, d, v in rows
        ]
    )  # fmt: skip
    return with_provenance(CORE["evidence"], frame)


def firms(*names: str) -> pl.DataFrame:
    rows = [{"ticker": name[:4].upper(), "company": name, "role": "buyer"} for name in names]
    return with_provenance(CORE["companies"], pl.DataFrame(rows))


PANEL = ("Amazon", "Meta Platforms", "Alphabet", "CoreWeave")


@pytest.mark.parametrize(
    ("changes", "firms_shortening", "triggered"),
    [
        # Amazon cut from 6 (its row's note), CoreWeave lengthened from 4.
        ([("CC103", "Amazon", date(2025, 2, 6), 5.0), ("CC107", "CoreWeave", date(2025, 2, 1), 6.0)], 1, False),
        # What CoreWeave did three years ago says nothing of today.
        ([("CC103", "Amazon", date(2025, 2, 6), 5.0), ("CC107", "CoreWeave", date(2023, 1, 1), 6.0)], None, None),
        (
            [("CC103", "Amazon", date(2025, 2, 6), 5.0), ("a", "Meta", date(2023, 1, 1), 6.0),
             ("b", "Meta", date(2026, 1, 1), 4.0)],
            2,
            True,
        ),
        # A critic of the panel's firms shortens no life.
        (
            [("CC103", "Amazon", date(2025, 2, 6), 5.0), ("a", "Burry", date(2025, 1, 1), 6.0),
             ("b", "Burry", date(2026, 1, 1), 2.5)],
            None,
            None,
        ),
        # Levels without an earlier one are no change.
        ([("a", "Meta", date(2025, 1, 29), 5.5), ("b", "Alphabet", date(2023, 1, 1), 6.0)], None, None),
    ],
)  # fmt: skip
def test_shortened_lives(changes, firms_shortening, triggered, assumptions):
    facts = {"evidence": lives(*changes), "companies": firms(*PANEL)}
    row = signals(assumptions, as_of=date(2026, 7, 31), **facts)["impairments"]
    assert (row["value"], row["triggered"]) == (firms_shortening, triggered)


@pytest.mark.parametrize(
    ("who", "day", "utilisation", "triggered"),
    [
        ("Meta", date(2026, 1, 1), 0.49, True),
        ("Meta", date(2026, 1, 1), 0.5, False),
        # A survey of other people's machines is not the owner's measurement; nor is a fact of two years ago one of today.
        ("A survey of 500 firms", date(2026, 1, 1), 0.1, None),
        ("World", date(2026, 1, 1), 0.1, None),
        ("Meta", date(2024, 12, 29), 0.1, None),
        ("Meta", date(2024, 12, 30), 0.1, True),
        # A lab is no firm of the panel, but is counted as the owner of a fleet.
        ("xAI", date(2026, 1, 1), 0.11, True),
    ],
)
def test_idle_fleet(who, day, utilisation, triggered, assumptions):
    fact = lives(("u", who, day, utilisation)).with_columns(metric=pl.lit("fleet_utilisation"))
    owned = lives(("o", "xAI", date(2025, 12, 31), 500_000.0)).with_columns(
        metric=pl.lit("h100_equivalents_owned"), topic=pl.lit("capacity")
    )
    found = signals(assumptions, evidence=pl.concat([fact, owned]), companies=firms(*PANEL))["idle_fleet"]
    assert found["triggered"] is triggered


def test_hearsay_enters_none(assumptions):
    hearsay = {
        "evidence": lives(("u", "World", date(2026, 1, 1), 0.1)).with_columns(metric=pl.lit("fleet_utilisation")),
        "company_facts": backlog(MSFT=(300, 290, 280)),
    }
    found = signals(assumptions, **{name: frame.with_columns(grade=pl.lit("D")) for name, frame in hearsay.items()})
    assert {row["triggered"] for row in found.values()} == {None}


def test_without_facts_all_four_are_unknown(assumptions):
    found = signals(assumptions)
    assert set(found) == set(glut_signals.SIGNALS)
    assert {row["triggered"] for row in found.values()} == {None}
    assert all(row["reasons"] for row in found.values())


def test_snapshot_backlog_rises_without_alphabets_new_definition(facts, assumptions):
    """Microsoft 631, 633, 684 and Amazon 244, 364, 496 billion; Alphabet's definition is another from 2026Q1 on."""
    as_of = date(2026, 11, 9)
    found = build(facts, as_of=as_of, assumptions=assumptions, only={"glut_signals"})["glut_signals"]
    row = found.filter(pl.col("signal") == "falling_backlog").to_dicts()[0]
    assert (row["value"], row["triggered"]) == (0.0, False)
    assert "875 -> 997 -> 1,180" in row["facts"]


def test_snapshot_signals_say_how_many_could_speak(facts, assumptions):
    """Rents rose and backlog rose; no owner measures its fleet, and no two firms changed lives within 18 months."""
    found = build(facts, as_of=date(2026, 11, 9), assumptions=assumptions, only={"glut_signals"})["glut_signals"]
    said = dict(found.select("signal", "triggered").iter_rows())
    assert said == {"rental_prices": False, "falling_backlog": False, "idle_fleet": None, "impairments": None}
