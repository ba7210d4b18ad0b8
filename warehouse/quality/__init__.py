"""What must hold of the data: checks from the declarations, asked of Great Expectations; findings, history, decisions."""


def preload() -> None:
    """Import Great Expectations, which takes seconds, so that a thread can do it while something else starts."""
    import great_expectations  # noqa: F401
