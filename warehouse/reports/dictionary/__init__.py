"""What there is to ask, in words: every table and view with its columns, and the ready questions with their parameters."""
