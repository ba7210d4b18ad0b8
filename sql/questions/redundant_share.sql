-- How much of the spending would cheaper training make redundant, by how strongly demand responds?
SELECT reading, elasticity, round(redundant_capex_share_p05, 2) AS p05, round(redundant_capex_share_p50, 2) AS p50,
  round(redundant_capex_share_p95, 2) AS p95, grade
FROM redundant_by_elasticity
ORDER BY reading <> 'mixture', reading, elasticity
