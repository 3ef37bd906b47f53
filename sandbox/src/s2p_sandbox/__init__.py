"""Exact Online and ServiceNow stand-ins on this machine."""
