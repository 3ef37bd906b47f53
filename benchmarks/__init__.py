"""Benchmarks of the pipeline against stand-in servers that are not the bottleneck."""
