"""Singer target that writes GL accounts and cost centers of ServiceNow back to Exact Online."""
