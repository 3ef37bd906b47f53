"""ServiceNow's REST protocol: OAuth, Table API, Import Set API, data dictionary."""
