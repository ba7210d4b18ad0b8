"""Tests that a build leaves out: mostly because another test shows the same in a tenth of the time.

A build (`make test`) tries each rule, each check and each known answer once. What builds or runs the whole program again
for one more day, one more theme or one more way into the same code is marked as a repetition, and the mark names the test
that shows the same in every build. `make test-all` runs all of them: before a release, and after a change of what they
are about. tests/test_repeats.py holds the marks to this. A known answer is never a repetition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

breaks = pytest.mark.breaks
"""The mark of a test that cuts off or kills, in the middle of work, a server that machines share: PostgreSQL, S3, Dask.

A build tries that such work is right, and one way in which it breaks off. The other ways take seconds each.
"""


def repeats(shown_by: str) -> pytest.MarkDecorator:
    """The mark of a test that repeats another, which is named as pytest names it, from the project's folder."""
    return pytest.mark.repeats(shown_by)


def once(cases: Sequence[Any], shown_by: str, built: int = 1) -> list[Any]:
    """The cases of a parametrized test of which a build tries the first `built`, and `make test-all` every one."""
    return [*cases[:built], *(pytest.param(case, marks=repeats(shown_by)) for case in cases[built:])]
