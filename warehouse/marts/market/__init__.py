"""Question 4, the market's answer: abnormal returns around the events, tests, and the market value that was lost."""
