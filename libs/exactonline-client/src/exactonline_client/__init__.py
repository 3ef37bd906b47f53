"""Exact Online's REST protocol: OAuth, OData paging, value forms, limits."""
