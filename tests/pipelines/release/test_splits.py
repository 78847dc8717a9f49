"""Dealing to splits: a key keeps its split as the data grows, and nothing is parted that belongs together."""

from __future__ import annotations

from collections import Counter

import pytest

from pipelines.errors import ConfigurationError
from pipelines.recipe import Splits
from pipelines.release.splits import Candidate, deal, leaks


def episodes(count: int, **columns: str) -> list[Candidate]:
    return [Candidate(f"s/{i:05d}", "robot", **columns) for i in range(count)]


def puzzles(tasks: int, tries: int = 2) -> list[Candidate]:
    return [Candidate(f"p/{task}_{i}", "arc", task_id=f"task {task}") for task in range(tasks) for i in range(tries)]


def test_no_key_moves_as_the_data_grows() -> None:
    small, large = deal(puzzles(200), Splits()), deal(puzzles(2000), Splits())
    assert all(large[i] == split for i, split in small.items())


def test_no_key_moves_when_another_domain_joins() -> None:
    assert deal(puzzles(200), Splits()).items() <= deal([*puzzles(200), *episodes(300)], Splits()).items()


def test_shares_come_near_the_ratios() -> None:
    counts = Counter(deal(episodes(5000), Splits(train=0.8, validation=0.1, test=0.1)).values())
    assert counts["train"] == pytest.approx(4000, abs=150)
    assert counts["validation"] == pytest.approx(500, abs=100)
    assert counts["test"] == pytest.approx(500, abs=100)


def test_raising_train_moves_keys_into_train_alone() -> None:
    before = deal(episodes(2000), Splits(train=0.8, validation=0.1, test=0.1))
    after = deal(episodes(2000), Splits(train=0.9, validation=0.05, test=0.05))
    assert all(after[i] == "train" for i, split in before.items() if split == "train")


def test_arc_and_gui_are_dealt_by_task_and_robots_by_trajectory() -> None:
    dealt = deal(puzzles(300, tries=3), Splits())
    assert all(len({dealt[f"p/{task}_{i}"] for i in range(3)}) == 1 for task in range(300))
    assert set(dealt.values()) == {"train", "validation", "test"}
    assert len(set(deal(episodes(300, task_id="one task"), Splits()).values())) == 3


def test_a_trajectory_without_a_task_is_dealt_alone() -> None:
    dealt = deal([Candidate(f"g/{i}", "gui") for i in range(300)], Splits())
    assert len(set(dealt.values())) == 3


def test_by_scene_keeps_scenes_whole() -> None:
    candidates = [Candidate(f"s/{i}", "robot", scene=f"kitchen {i % 40}") for i in range(400)]
    dealt = deal(candidates, Splits(by="scene"))
    assert all(len({dealt[f"s/{i}"] for i in range(scene, 400, 40)}) == 1 for scene in range(40))


def test_only_an_empty_train_split_is_ranked() -> None:
    for count in (1, 2, 5):
        for first in range(0, 400, 7):
            own = [Candidate(f"s/{i}", "robot") for i in range(first, first + count)]
            dealt = deal(own, Splits(train=0.34, validation=0.33, test=0.33))
            hashed = {c.trajectory_id: deal([*own, *episodes(200)], Splits(train=0.34, validation=0.33, test=0.33))[c.trajectory_id]
                      for c in own}  # fmt: skip
            assert "train" in dealt.values()
            if "train" in hashed.values():
                assert dealt == hashed
            else:
                assert sum(dealt[i] != hashed[i] for i in dealt) == 1


def test_one_trajectory_goes_to_train() -> None:
    for i in range(50):
        assert deal([Candidate(f"s/{i}", "robot")], Splits(train=0.01, validation=0.01, test=0.98)) == {f"s/{i}": "train"}
    assert deal([], Splits()) == {}


def test_a_recipe_without_train_has_none() -> None:
    assert set(deal(episodes(50), Splits(test=1)).values()) == {"test"}


def test_a_group_wins_over_every_key() -> None:
    for by in ("task", "scene", "trajectory", "source"):
        candidates = [
            Candidate(f"s/{i}", "robot", f"task {i}", f"scene {i}", f"group {i // 4}", ("train", "test")[i % 2])
            for i in range(400)
        ]
        dealt = deal(candidates, Splits(by=by))
        assert all(len({dealt[f"s/{4 * group + i}"] for i in range(4)}) == 1 for group in range(100))


def test_a_group_that_its_source_parted_is_held_out_whatever_the_order() -> None:
    pair = [
        Candidate("s/1", "robot", group="g", source_split="train"),
        Candidate("s/2", "robot", group="g", source_split="test"),
    ]
    assert set(deal(pair, Splits(by="source")).values()) == {"test"}
    assert set(deal(pair[::-1], Splits(by="source")).values()) == {"test"}


def test_by_source_keeps_what_the_source_dealt() -> None:
    splits = ("train", "validation", "test")
    candidates = [Candidate(f"s/{i}", "robot", source_split=splits[i % 3]) for i in range(300)]
    assert deal(candidates, Splits(by="source")) == {f"s/{i}": splits[i % 3] for i in range(300)}


def test_by_source_keeps_a_test_set_that_has_no_train_set_beside_it() -> None:
    candidates = [Candidate(f"s/{i}", "robot", source_split="test") for i in range(9)]
    assert set(deal(candidates, Splits(by="source")).values()) == {"test"}
    with_free = deal([*candidates, Candidate("t/1", "robot")], Splits(by="source", train=0.01, test=0.99))
    assert with_free == {f"s/{i}": "test" for i in range(9)} | {"t/1": "train"}


def test_a_split_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'unseen', which is none of train, validation, test: .*release\.splits\.by"):
        deal([Candidate("s/1", "robot", source_split="unseen")], Splits(by="source"))


def test_what_stands_in_two_splits_is_said_by_domain() -> None:
    candidates = [
        Candidate("s/1", "robot", "lift", "lab"),
        Candidate("s/2", "robot", "lift"),
        Candidate("s/3", "robot", "push"),
    ]
    dealt = {"s/1": "train", "s/2": "test", "s/3": "test"}
    assert leaks(candidates, dealt) == ["robot: 1 of 2 tasks stand in more than one split (such as 'lift')"]
    assert leaks(candidates, dict.fromkeys(dealt, "train")) == []


def test_100_000_trajectories_are_dealt() -> None:
    assert len(deal([*puzzles(25_000), *episodes(50_000)], Splits())) == 100_000
