"""How many examples a property is tried on: few in every build, many in `make torture`.

Hypothesis draws other examples each time, so builds add up. `pytest --hypothesis-profile thorough` tries twenty times as
many of each property; `torture/properties.py` does that for as long as it is given.
"""

from __future__ import annotations

from hypothesis import settings

# A machine's bad moment is no failure: no test times itself.
settings.register_profile("steady", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile("steady")


def examples(share: float) -> int:
    """That share of the profile's examples, for a property of which each example takes long (a mart, say)."""
    return max(1, round(settings().max_examples * share))
