"""Benchmarks that print ratios against a plain Python loop of the same work."""
