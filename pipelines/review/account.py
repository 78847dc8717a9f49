"""How a project was reviewed, in numbers and sentences: what the card and the manifest say of it."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.io.store import Store
from pipelines.recipe import ReviewProject

MANIFEST = "manifest.json"
"""What all jobs of the workspace made, in numbers; the states of the items stand there as well."""
STATES = "review/states.json"
"""Project → state → items, as the last resolve left it."""


def read_states(store: Store) -> Mapping[str, Mapping[str, int]]:
    """Project → state → items; empty where nothing was resolved."""
    found: Mapping[str, Mapping[str, int]] = store.read_json(STATES) or {}
    return found


def put_states(store: Store, states: Mapping[str, Mapping[str, int]]) -> None:
    """Keep the states for the card."""
    store.put_json(STATES, {name: dict(counts) for name, counts in states.items()})


def sentences(spec: ReviewProject, seconds_cap: float) -> list[str]:
    """How a project was run: proposals, second opinions, acceptance, and how time was counted."""
    said = ["People saw the proposals." if spec.proposals else "People started from nothing."]
    if spec.overlap:
        share = f"{spec.overlap:.0%} of the items went to a second person"
        unseen = " who was not shown the proposals (by instruction: one Label Studio hides nothing from its members)"
        said.append(f"{share}{unseen if spec.blind else ''}.")
    if spec.acceptance:
        bar = spec.acceptance
        said.append(
            f"Batches were accepted by samples of {bar.sample} against a bar of {bar.bar:.0%}, in at most {bar.max_rounds} rounds."
        )
    said.append(f"`seconds` is the time from opening to submitting, idle time included, capped at {seconds_cap:g} s.")
    return said
