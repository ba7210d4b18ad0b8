"""Rungs of the scope ladder (method 2), by what a claimed cost over the hours is on each."""

from __future__ import annotations

POST_TRAINING, RENTAL, PROGRAMME, UNKNOWN = "post_training_run", "final_run_rental", "research_programme", "unknown"
# Here a claim over the hours is a rental price; on the second pair hours are not what the claimed cost bought.
RENTALS = (POST_TRAINING, RENTAL)
PURCHASES = ("hardware_owned", "company_capex")
