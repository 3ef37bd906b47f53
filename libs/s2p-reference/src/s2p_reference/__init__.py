"""GL accounts and cost centers that exist in two systems: who owns what, and what to do."""
