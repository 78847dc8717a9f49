"""Recorders that make Cairn's own example data."""
