"""The measures of companies' filings that the marts on capex read, and what a quarter's row calls them."""

from __future__ import annotations

CAPEX, LEASES = "purchases_of_property_and_equipment", "finance_lease_principal"
LEASE_ASSETS = "finance_lease_assets_obtained"
UNLISTED_CAPEX = "unlisted_capital_expenditure"
REVENUE = "revenue"
DEPRECIATION, DEPRECIATION_AND_AMORTIZATION = "depreciation", "depreciation_and_amortization"
KINDS_OF_DEPRECIATION = (DEPRECIATION, DEPRECIATION_AND_AMORTIZATION)
BACKLOG = "remaining_performance_obligation"
COMMERCIAL_BACKLOG = "commercial_remaining_performance_obligation"

# Measure -> column of `capex_quarterly`. Those over a period, in the order in which they lend a row its dates.
FLOWS = {
    CAPEX: "capex_usd",
    REVENUE: "revenue_usd",
    "operating_cash_flow": "operating_cash_flow_usd",
    "operating_income": "operating_income_usd",
    "net_income": "net_income_usd",
    DEPRECIATION: "depreciation_usd",
    LEASES: "finance_lease_principal_usd",
    LEASE_ASSETS: "finance_lease_assets_usd",
}
INSTANTS = {
    "property_and_equipment_net": "property_and_equipment_net_usd",
    "property_and_equipment_gross": "property_and_equipment_gross_usd",
    BACKLOG: "remaining_performance_obligation_usd",
}
# A quarter of these below zero comes of two periods that do not belong together.
NEVER_NEGATIVE = (CAPEX, REVENUE, DEPRECIATION, DEPRECIATION_AND_AMORTIZATION, LEASES, LEASE_ASSETS)
