"""Singer tap for ServiceNow's Source-to-Pay: reference data, documents, outcomes of staging."""
