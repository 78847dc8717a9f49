"""How a project was reviewed, in numbers and sentences: what the card and the manifest say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from annotators.label_studio.rounds.report import Report
from pipelines.io.store import Store
from pipelines.recipe import ReviewProject

MANIFEST = "manifest.json"
"""What all jobs of the workspace made, in numbers; the states of the items stand there as well."""
STATES = "review/states.json"
"""Project → state → items, as the last resolve left it."""
FIGURES = "review/figures.json"
"""Project → what was measured: agreement, proposals against people, acceptance of batches. No person is named."""


def read_states(store: Store) -> Mapping[str, Mapping[str, int]]:
    """Project → state → items; empty where nothing was resolved."""
    found: Mapping[str, Mapping[str, int]] = store.read_json(STATES) or {}
    return found


def put_states(store: Store, states: Mapping[str, Mapping[str, int]]) -> None:
    """Keep the states for the card."""
    store.put_json(STATES, {name: dict(counts) for name, counts in states.items()})


def read_figures(store: Store) -> Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]:
    """Project → `scores` and `batches`, lists of rows; empty where nothing was resolved."""
    found: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]] = store.read_json(FIGURES) or {}
    return found


def put_figures(store: Store, reports: Sequence[Report]) -> None:
    """Keep what was measured for the card. A measure of nothing (no item) is left out."""
    store.put_json(
        FIGURES,
        {
            one.project: {
                "scores": [
                    {
                        "layer": score.layer,
                        "against": score.against,
                        "producer": score.producer,
                        "measure": score.measure,
                        "value": score.value,
                        "n": score.n,
                        "items": score.items,
                        "agreed": score.agreed,
                        "threshold": score.threshold,
                    }
                    for score in (*one.agreement, *one.proposals)
                    if score.items
                ],
                "batches": [
                    {
                        "batch": batch.batch,
                        "round": batch.round,
                        "items": len(batch.keys),
                        "right": batch.right.count,
                        "checked": batch.right.n,
                        "low": batch.right.low,
                        "high": batch.right.high,
                        "decision": batch.decision or "open",
                    }
                    for batch in one.batches
                ],
            }
            for one in reports
        },
    )


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
