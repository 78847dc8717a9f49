"""Annotators of ARC traces."""
