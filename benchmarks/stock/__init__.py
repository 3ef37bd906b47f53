"""A plain pipe on the SDK as it comes: what the pipeline is compared with."""
