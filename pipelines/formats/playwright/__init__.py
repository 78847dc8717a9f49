"""Playwright traces."""
