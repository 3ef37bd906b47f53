"""Singer tap for Exact Online's purchasing and ledger data."""
