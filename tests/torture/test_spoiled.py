"""What nobody foresaw is counted under its number, a library's panic too; Ctrl-C still ends the harness."""

from __future__ import annotations

from collections import Counter

import pytest

from torture._spoiled import judge


class Panic(BaseException):
    """As Polars raises where its own code fails."""


@pytest.mark.parametrize("error", [KeyError("lost"), RecursionError("deep"), Panic("index out of bounds")])
def test_an_error_is_a_fault_with_its_kind_and_its_number(error, capsys):
    def act() -> None:
        raise error

    faults: Counter[str] = Counter()
    judge("aws", 17, act, faults)
    assert list(faults.values()) == [1]
    assert type(error).__name__ in next(iter(faults))
    assert "FAULT aws 17" in capsys.readouterr().out


def test_what_works_is_no_fault():
    faults: Counter[str] = Counter()
    judge("aws", 17, lambda: None, faults)
    assert not faults


def test_who_stops_the_harness_stops_it():
    def act() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge("aws", 17, act, Counter())
