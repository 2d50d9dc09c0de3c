"""A fleet of simulated cameras that speak to a real broker with the product's own link."""
