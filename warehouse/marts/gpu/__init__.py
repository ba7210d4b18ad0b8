"""GPU rental prices: which offers count, what they cost by month, and how prices of one offer change."""
