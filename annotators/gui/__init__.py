"""Annotators of screen recordings."""
