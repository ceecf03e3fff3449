"""What watching costs: open pages and a scrape per second, measured at the relay that they watch."""
