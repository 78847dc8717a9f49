"""Dataset cards: the template, and what renders it from facts about the data."""
