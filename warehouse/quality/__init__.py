"""What must hold of the data: checks from the declarations, asked of Great Expectations; findings, history, decisions.

Great Expectations and Prefect import jsonschema, which imports a grammar of web addresses wherever one is installed. To
build that grammar takes two seconds of a core in every process, and nothing here asks whether a text is an address.
So it is not found, as long as this room is imported before the two.
"""

import sys

if "rfc3987_syntax" not in sys.modules:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]


def preload() -> None:
    """Import Great Expectations, which takes seconds, so that a thread can do it while something else starts."""
    import great_expectations  # noqa: F401
