"""What runs, in which order, when, and with which retries. Parsing, SQL and arithmetic live in `warehouse`."""

import warehouse.quality  # noqa: F401  (before Prefect: it says there why)
