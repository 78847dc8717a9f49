"""Annotators of robot episodes."""
