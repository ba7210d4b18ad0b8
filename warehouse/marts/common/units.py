"""Conversions of units that several marts make."""

from __future__ import annotations

DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
HOURS_PER_DAY = 24.0
SECONDS_PER_HOUR = 3600.0
SECONDS_PER_YEAR = 31_536_000  # of 365 days, as method 4.2 has it
FLOP_PER_TFLOP = 1e12
TFLOPS_PER_PFLOPS = 1000.0
H100_DENSE_BF16_FLOP_PER_S = 989.4e12  # NVIDIA's data sheet of the H100 SXM, without sparsity: an H100-equivalent
