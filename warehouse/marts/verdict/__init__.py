"""The verdicts: conditions, the decision table, the sentences, and the answer over time."""
