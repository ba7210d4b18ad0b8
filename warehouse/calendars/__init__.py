"""The days and periods that the figures are about: the exchange's sessions and companies' fiscal periods."""
