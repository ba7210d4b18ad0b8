"""Training runs: what they cost at the prices of their time, and what share of computing they are."""
