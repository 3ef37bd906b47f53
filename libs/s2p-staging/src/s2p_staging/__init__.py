"""Which staging tables and columns of ServiceNow a stream fills, and with what; pure."""
