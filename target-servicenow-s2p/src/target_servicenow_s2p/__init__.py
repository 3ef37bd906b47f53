"""Singer target for ServiceNow's Source-to-Pay staging tables."""
