"""Singer inline mapper: every payable gets a valid GL account and cost center, or waits."""
