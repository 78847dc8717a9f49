"""Rounds: which task is asked of whom next, whether two people agree, whether a batch is good enough.

Everything here is a pure function of what was pushed and what people saved (`progress`), so that it can be computed again
from the ledger at any time. `quality` is what a recipe asks for, `measures` and `agreement` say how close two people are,
`states` what an item may go through, `plan` what to push next, `settle` which rows count, `report` what it was worth.
"""
