"""A simulated crew: every item ends, the worst ranks last, and the interval means what it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from annotators.label_studio.rounds.quality import Quality
from annotators.label_studio.rounds.report import report
from annotators.label_studio.rounds.round import Rules
from annotators.label_studio.rounds.settle import settled_rows
from annotators.label_studio.rounds.states import FINAL
from pipelines.release.current import current_rows
from schemas.stored_rows import state_tables

from .crew import SKILLS, PaperDesk, Run, ServerDesk, World, work
from .rows import LANGUAGE

QUALITY = Quality.model_validate({"overlap": 0.3, "acceptance": {"sample": 20, "bar": 0.9, "max_rounds": 3}})


def check_run(run: Run) -> None:
    """Every item ended within the rounds, the worst ranks last, and what counts is what was settled."""
    for key, one in run.known.items.items():
        assert one.state in FINAL, (key, one.state)
        assert one.waiting == ()
        assert one.round <= 3
    people = report(run.rules, run.known, run.opinions).people
    worst = run.names[min(SKILLS, key=lambda name: SKILLS[name])]
    assert people[-1].annotator == worst, [(p.annotator, p.right) for p in people]
    check_rows(run, list(run.known.items))


def check_rows(run: Run, keys: Sequence[str]) -> None:
    """The current rows of an item are those of who settled it, and nothing else."""
    for key in keys:
        one = run.known.items[key]
        proposals = [dict(row) for rows in one.item.rows.values() for row in rows]
        current = current_rows("segments", state_tables([*proposals, *settled_rows(one)])["segments"]).to_pylist()
        if one.authority is None or not one.settled:
            assert {row["status"] for row in current} == {"proposed"}
            continue
        for layer in LANGUAGE.layers:
            said = sorted((r["start"], r["end"], r["label"], r["text"]) for r in one.authority.standing(layer))
            found = [row for row in current if row["layer"] == layer]
            assert sorted((r["start"], r["end"], r["label"], r["text"]) for r in found) == said, key
            assert {row["quality"] for row in found} == {"primary"}


def coverage(runs: Sequence[Run]) -> tuple[float, float, float, int, int]:
    """Of all sampled batches, and of the accepted: how often the interval holds the true share; accepted below the bar."""
    held, held_accepted, below = [], [], []
    for run in runs:
        for outcome in run.known.batches:
            share = run.share_right(outcome)
            held.append(share in outcome.right)
            if outcome.decision == "accept":
                held_accepted.append(share in outcome.right)
                below.append(share < 0.9)
    mean = [sum(found) / len(found) if found else float("nan") for found in (held, held_accepted, below)]
    return mean[0], mean[1], mean[2], len(held), len(held_accepted)


def say(runs: Sequence[Run]) -> float:
    share, accepted, below, n, n_accepted = coverage(runs)
    print(
        f"\nthe interval holds the true share in {share:.1%} of {n} sampled batches, in {accepted:.1%} of the {n_accepted} "
        f"accepted; {below:.1%} of the accepted are worse than the bar of {QUALITY.acceptance.bar:.0%}"  # type: ignore[union-attr]
    )
    return share


@pytest.mark.timeout(900)
def test_a_crew_through_label_studio(label_studio, tmp_path: Path) -> None:
    world, rules = World(seed=1, size=100, batch=50), Rules("demo", LANGUAGE, QUALITY)
    people = {name: label_studio.member() for name in SKILLS}
    run = work(world, rules, ServerDesk(world, rules, label_studio.client, people, tmp_path))
    check_run(run)
    paper = work(world, rules, PaperDesk(world, rules))
    assert {k: (o.state, o.round) for k, o in run.known.items.items()} == {
        k: (o.state, o.round) for k, o in paper.known.items.items()
    }
    say([run])


def test_a_blind_second_opinion_and_no_acceptance() -> None:
    world, rules = World(seed=3, size=60, batch=60), Rules("demo", LANGUAGE, Quality(overlap=0.5, blind=True))
    run = work(world, rules, PaperDesk(world, rules))
    assert run.known.counts.keys() == {"labelled", "agreed", "adjudicated"}
    check_rows(run, list(run.known.items))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_crews() -> None:
    runs = []
    for seed in range(20):
        world, rules = World(seed=seed, size=500, batch=50), Rules("demo", LANGUAGE, QUALITY)
        runs.append(work(world, rules, PaperDesk(world, rules)))
        check_run(runs[-1])
    assert say(runs) >= 0.9
