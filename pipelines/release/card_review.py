"""What a card says of people and of private data: what review and the scan left in the workspace."""

from __future__ import annotations

from collections import Counter

from data_cards.facts import AcceptanceFacts, AgreementFacts, ReviewFacts
from pipelines.io.store import Store
from pipelines.publish.records import PRIVATE_DATA, read_rows
from pipelines.recipe import Recipe
from pipelines.review.account import read_figures, read_states, sentences


def review_facts(recipe: Recipe, store: Store) -> list[ReviewFacts]:
    """What people did, as the last `cairn review resolve` left it; empty where nobody reviewed."""
    states = read_states(store)
    if recipe.review is None or not states:
        return []
    figures = read_figures(store)
    found = []
    for spec in recipe.review.projects:
        if spec.name in states:
            measured = figures.get(spec.name, {})
            found.append(
                ReviewFacts(
                    spec.name,
                    spec.layers,
                    states[spec.name],
                    sentences(spec, recipe.review.seconds_cap),
                    [AgreementFacts(**row) for row in measured.get("scores", ())],
                    [AcceptanceFacts(**row) for row in measured.get("batches", ())],
                )
            )
    return found


def scan_sentences(store: Store) -> list[str]:
    """What a scan for private data found and what was decided, as the gate left it; empty where nothing was scanned."""
    if not store.exists(PRIVATE_DATA):
        return []
    rows = read_rows(store, PRIVATE_DATA)
    if not rows:
        return ["Scanned: nothing was found."]
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(Counter(str(row["kind"]) for row in rows).items()))
    decided = Counter(str(row["decision"]) for row in rows if row["decision"])
    open_ = len(rows) - sum(decided.values())
    said = [f"Scanned: {len(rows)} findings in {len({row['trajectory_id'] for row in rows})} trajectories ({kinds})."]
    said += [f"Decided: {', '.join(f'{word} {count}' for word, count in sorted(decided.items()))}."] if decided else []
    return [*said, *([f"Not decided yet: {open_}."] if open_ else [])]
