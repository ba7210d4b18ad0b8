"""The packaged snapshot of cited facts, and the assumptions."""
