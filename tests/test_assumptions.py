"""Judgements come from one file; a mistake in a user's file is named and refused."""

from datetime import date, timedelta

import pytest

from warehouse import marts
from warehouse.assumptions import Assumptions, Distribution, load
from warehouse.errors import UsageError


@pytest.fixture
def user_file(tmp_path):
    def write(text):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


def test_every_packaged_entry_has_meaning_unit_and_citation():
    for name, entry in load().items():
        for part in ("meaning", "unit", "citation"):
            assert entry[part].strip(), f"{name}.{part}"


def test_the_thresholds_of_the_decision_rule():
    found = load()
    # from the table of the method's section 7
    assert found.number("q2_threshold") == 0.25
    assert found.number("q1_factor") == 2
    assert found.number("q4_significance") == 0.05
    assert found.number("q3_probability") == 0.8
    assert found.number("leaning_minimum") == 0.6
    assert found.integer("lag_quarters") == 2
    assert found.integer("glut_fact_months") == found.integer("glut_price_window_months") == 18
    assert found.number("glut_price_excess") == 0.40
    assert found.number("glut_utilisation") == 0.50
    assert found.number("coverage_minimum") == 0.8
    assert found.integer("draws") >= 20_000


def test_a_file_replaces_key_by_key_and_leaves_the_rest(user_file):
    changed = load(user_file("life = 3\nq2_threshold = 0.3\n[discount_rate]\nlow = 0.05\n"))
    packaged = load()
    assert changed.distribution("life").kind == "point"
    assert changed.distribution("life").parameters == (3.0,)
    assert changed.distribution("discount_rate").parameters == (0.05, 0.12)
    assert changed.number("q2_threshold") == 0.3
    assert changed.distribution("ai_share") == packaged.distribution("ai_share")
    assert changed.overridden == ("discount_rate", "life", "q2_threshold")
    assert changed.sha256 != packaged.sha256


def test_an_event_can_be_added(user_file):
    changed = load(user_file('[events]\n2025-04-09 = "tariff pause"\n'))
    assert changed.value("events")["2025-04-09"] == "tariff pause"
    assert "2025-01-27" in changed.value("events")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lif = 3", "no assumption named 'lif'. Did you mean life"),
        ("life = -3", "life is -3, outside its range"),
        ("life = 'x'", "life.value is 'x', which is not a number"),
        ("life = nan", "life.value is nan; give a finite number"),
        ("[life]\nlow = 7", "life needs low <= mode <= high, not 7, 5, 6. Put them in that order"),
        ("[discount_rate]\nlow = 0.2", "discount_rate needs low <= high, not 0.2, 0.12. Put them in that order"),
        ("[undisclosed_gross_up]\nlow = 4", "undisclosed_gross_up needs no more than high, not 4, 1.0, 3.0"),
        ("[life]\nknown_from = 2020-01-01", "life.known_from cannot be set: a value of your own counts on every day"),
        ("[life]\nbefore = { low = 1 }", "life.before cannot be set"),
        ("training_share_readings = { bottom_up = 0, inference = 0 }", "one of them above it"),
        ("training_share_readings = { bottom_up = 1e400 }", "one of them above it"),
        ("inference_share = { CC089 = [0.8, 0.6] }", "each with .low, high. and 0 <= low <= high <= 1"),
        ("q2_elasticities = [-1.0]", "a list of elasticities of at least 0"),
        ("[life]\nminimum = 0", "life.minimum is fixed"),
        ("[life]\ndistribution = 'cauchy'", "use point, uniform, triangular, normal"),
        ("price_class = 'everyone'", "use one of specialist, hyperscaler, marketplace"),
        ("q2_threshold = 25", "q2_threshold is 25, outside its range of 0.0 to 1.0"),
        ("draws = 10", "draws is 10, outside its range"),
        ("windows = [[1, 0]]", "first not after last"),
        ("main_event = 'tomorrow'", "main_event must be a date"),
        ("this is not toml", "not a TOML file"),
        ("[fleet]\nsd = -1", "fleet.sd is -1; a standard deviation is not negative"),
        ("[fleet]\nsd = nan", "fleet.sd is nan; give a finite number"),
        (f"life = 1{'0' * 400}", "give a finite number"),
        ("[fleet]\nsd = 1e400", "fleet.sd is inf; give a finite number"),
        ("stated_growth = { CC001 = 1e400 }", "stated_growth must be a table from evidence identifier to growth"),
        ("[life]\nmedian = 4\nlow = 3", "life has no parameter 'median'; it has high, low, mode"),
        ("[life]\ndistribution = 'normal'\nmean = 4", "life lacks sd, which a normal needs"),
        ("[life]\ncitation = ' '", "life has no citation; a number without one does not count"),
        ("[life]\nfacts = 'CC103'", "life.facts is 'CC103': Input should be a valid list"),
        ("estimation_window = [-20, -11]", "at least 30 before the event"),
        ("persistence_days = [0]", "a list of trading days of at least 1"),
        ("gpu_price_bounds = { H100 = ['1', 2] }", "each with .low, high. and 0 < low < high"),
        ("events = { tomorrow = 'news' }", "a table of dates"),
    ],
)
def test_a_mistake_is_named_and_refused(user_file, text, message):
    path = user_file(text)
    with pytest.raises(UsageError, match=message) as caught:
        load(path)
    assert "mine.toml" in str(caught.value)


def test_every_mistake_of_an_entry_is_named_at_once(user_file):
    with pytest.raises(UsageError) as caught:
        load(user_file("[life]\nlow = 'three'\nhigh = true\nmedian = 4"))
    assert [line.partition("mine.toml: ")[2] for line in str(caught.value).splitlines()] == [
        "life.low is 'three', which is not a number",
        "life.high is True, which is not a number",
        "life has no parameter 'median'; it has high, low, mode",
    ]


def test_the_order_of_multiples_of_the_disclosure_rate_is_not_known_here(user_file):
    assert load(user_file("[undisclosed_gross_up]\nmode = 0.5")).distribution("undisclosed_gross_up")["mode"] == 0.5


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("drawn", "wanted"),
    [
        (Distribution("point", (2.0,)), 2.0),
        (Distribution("uniform", (1.0, 2.0)), 1.5),
        (Distribution("triangular", (1.0, 2.0, 6.0)), 3.0),
        (Distribution("normal", (2.5, 9.0)), 2.5),
    ],
)
def test_means_of_distributions(drawn, wanted):
    assert drawn.mean == pytest.approx(wanted)


# ---- Assumptions have days too -------------------------------------------------------------------------------------

DATED = [name for name, entry in load().items() if "known_from" in entry]


def test_an_assumption_counts_from_the_day_its_evidence_became_public():
    packaged = load()
    day_before, day = (packaged.as_of(day) for day in (date(2025, 11, 9), date(2025, 11, 10)))
    # J.P. Morgan's 10 % (CC071) was published on 10 November 2025.
    assert day.distribution("discount_rate") == Distribution("uniform", (0.08, 0.12))
    assert "discount_rate" not in day.early
    assert day_before.distribution("discount_rate") == Distribution("uniform", (0.05, 0.15))
    assert "discount_rate" in day_before.early
    assert "facts" not in day_before["discount_rate"]
    assert day_before.sha256 == packaged.sha256


def test_every_entry_that_names_evidence_is_dated_by_the_newest_of_it(facts):
    known_on = dict(facts["evidence"].select("evidence_id", "known_on").iter_rows())
    for name, entry in load().items():
        if cited := entry.get("facts"):
            assert entry["known_from"] == max(known_on[each] for each in cited), name


@pytest.mark.parametrize("name", DATED)
def test_the_range_before_the_evidence_is_no_narrower(name):
    packaged = load()
    early = packaged.as_of(packaged[name]["known_from"] - timedelta(days=1))
    assert early[name]["citation"] != packaged[name]["citation"]
    if "distribution" in early[name]:
        assert early.distribution(name).low <= packaged.distribution(name).low
        assert early.distribution(name).high >= packaged.distribution(name).high


def test_what_a_user_sets_counts_on_every_day(user_file):
    changed = load(user_file("life = 3\n[discount_rate]\nlow = 0.10\n"))
    early = changed.as_of(date(2024, 1, 1))
    assert early.distribution("life") == Distribution("point", (3.0,))
    assert early.distribution("discount_rate") == Distribution("uniform", (0.10, 0.12))
    assert not {"life", "discount_rate"} & set(early.early)
    assert "ai_share" in early.early
    # A what-if made of assumptions that already count as of a day stays of that day.
    assert (
        load().as_of(date(2024, 1, 1)).replaced({"life": 3}).early
        == load().replaced({"life": 3}).as_of(date(2024, 1, 1)).early
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"before": {"distribution": "uniform", "low": 9, "high": 2, "citation": "made up"}}, "life needs low <= high"),
        ({"before": {"distribution": "uniform", "low": 2, "high": 9}}, "life has no citation"),
        ({"before": None}, "life needs both known_from"),
        ({"known_from": None}, "life needs both known_from"),
        ({"before": {"distribution": "uniform", "low": 2, "high": 90, "citation": "made up"}}, "outside its range"),
    ],
)
def test_a_mistake_in_what_counts_before_is_named_too(change, message):
    entry = {key: value for key, value in {**load().dated("life"), **change}.items() if value is not None}
    with pytest.raises(UsageError, match=message):
        Assumptions({"life": entry})


def test_the_answers_name_the_assumptions_that_count_before_their_evidence():
    built = marts.build({}, as_of=date(2025, 1, 31), assumptions=load().replaced({"life": 4}), only=["assumptions"])
    rows = {row["key"]: row for row in built["assumptions"].to_dicts()}
    # CC021, on the share of final runs, is of 23 March 2026.
    share = rows["share_final"]
    assert share["is_before_evidence"]
    assert share["evidence_known_from"] == date(2026, 3, 23)
    assert share["value"] == share["value_before"] == share["default_value"]
    assert "2026-03-23" in share["reason"]
    assert not rows["efficiency_gain"]["overridden"]
    assert (rows["life"]["overridden"], rows["life"]["is_before_evidence"]) == (True, False)
    assert not rows["draws"]["is_before_evidence"]
