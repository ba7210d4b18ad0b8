"""How many examples a property is tried on: few in every build, many in `make torture`.

A build draws the same examples each time, so that a commit which passed once does not fail the next time for another
draw. `pytest --hypothesis-profile thorough` draws others each time and thirty times as many; `torture/properties.py` does
that for as long as it is given, and what it finds becomes a test.
"""

from __future__ import annotations

from hypothesis import settings

STEADY = 30
"""Examples of a property in a build."""

# A machine's bad moment is no failure: no test times itself.
settings.register_profile("steady", deadline=None, max_examples=STEADY, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile("steady")


def examples(share: float) -> int:
    """That share of the profile's examples, for a property of which each example takes long (a mart, say)."""
    return max(1, round(settings().max_examples * share))
