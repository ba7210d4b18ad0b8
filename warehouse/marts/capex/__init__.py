"""Capital expenditure: quarters out of filings, the group's sum, vintages, guidance, and capex in training runs."""
