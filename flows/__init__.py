"""What runs, in which order, when, and with which retries. Parsing, SQL and arithmetic live in `warehouse`."""
