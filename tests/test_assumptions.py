"""Judgements come from one file; a mistake in a user's file is named and refused."""

import pytest

from warehouse.assumptions import load
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
    assert found.number("q3_coverage") == 0.5
    assert found.number("q3_probability_wasteful") == 0.8
    assert found.number("q3_probability_pays") == 0.5
    assert found.number("q1_factor") == 2
    assert found.number("q4_significance") == 0.05
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
        ("life = nan", "life is nan"),
        ("[life]\nlow = 7", "life needs low <= mode <= high"),
        ("[life]\nminimum = 0", "life.minimum is fixed"),
        ("[life]\ndistribution = 'cauchy'", "use point, uniform, triangular, normal"),
        ("price_class = 'everyone'", "use one of specialist, hyperscaler, marketplace"),
        ("q2_threshold = 25", "q2_threshold is 25, outside its range of 0.0 to 1.0"),
        ("draws = 10", "draws is 10, outside its range"),
        ("windows = [[1, 0]]", "first not after last"),
        ("main_event = 'tomorrow'", "main_event must be a date"),
        ("this is not toml", "not a TOML file"),
    ],
)
def test_a_mistake_is_named_and_refused(user_file, text, message):
    path = user_file(text)
    with pytest.raises(UsageError, match=message) as caught:
        load(path)
    assert "mine.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")
