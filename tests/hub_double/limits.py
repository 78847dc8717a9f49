"""Sizes of the double, as documented for the Hub."""

MAX_ENTRIES_PER_FOLDER = 10_000
PAGE = 1000
