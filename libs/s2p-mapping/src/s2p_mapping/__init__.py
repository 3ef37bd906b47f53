"""Which code of ServiceNow a code of Exact Online becomes: rules, reference data, resolution."""
