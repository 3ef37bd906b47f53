"""Singer inline mapper: a valid GL account and cost center for every payable, or a hold with its reason."""
