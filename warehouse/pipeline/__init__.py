"""A run, step by step: each step takes what it needs and returns what it made. Prefect and the terminal are elsewhere."""
