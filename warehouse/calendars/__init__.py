"""The days and periods that the figures are about: the exchange's sessions and companies' fiscal periods."""

DAYS_PER_YEAR = 365.25  # of a span of several years
