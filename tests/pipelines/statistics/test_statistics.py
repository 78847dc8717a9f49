"""Statistics that are merged: exact where they say so, and within their own bound where they do not."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.statistics import quantiles
from pipelines.statistics.numbers import QUANTILES, NumberStatistics, merged
from pipelines.statistics.pictures import PictureStatistics
from pipelines.statistics.quantiles import CAPACITY, QuantileSketch

ROWS = 60_000
SHARES = np.linspace(0, 1, 41)


def hard_values(name: str) -> np.ndarray:
    """Values on which sketches have been seen to fail."""
    random = np.random.default_rng(7)
    return {
        "sorted": np.arange(ROWS, dtype=np.float64),
        "falling": np.arange(ROWS, dtype=np.float64)[::-1],
        "constant": np.full(ROWS, 0.1),
        "two_values": (random.random(ROWS) < 0.013).astype(np.float64),
        "heavy_tailed": random.pareto(0.6, ROWS) * 1e3,
        "narrow": 1 + 1e-9 * random.random(ROWS),
        "zigzag": np.where(np.arange(ROWS) % 2, np.arange(ROWS), -np.arange(ROWS)).astype(np.float64),
    }[name]


HARD = ("sorted", "falling", "constant", "two_values", "heavy_tailed", "narrow", "zigzag")


def shards_of(values: np.ndarray, sizes: tuple[int, ...] = (1, 70, 5000, 12_345)) -> list[np.ndarray]:
    found, start = [], 0
    for size in itertools.cycle(sizes):
        if start >= len(values):
            return found
        found.append(values[start : start + size])
        start += size
    return found


def in_orders(shards: list[np.ndarray]) -> dict[str, NumberStatistics]:
    """The same shards in one pass, merged in order, backwards, by pairs, and shuffled."""
    parts = [NumberStatistics.of(shard[:, None]) for shard in shards]
    shuffled = np.random.default_rng(1).permutation(len(parts))
    one = NumberStatistics(1)
    one.add(np.concatenate(shards)[:, None])
    tree = parts
    while len(tree) > 1:
        tree = [merged(tree[i : i + 2], 1) for i in range(0, len(tree), 2)]
    return {
        "one pass": one,
        "in order": merged(parts, 1),
        "backwards": merged(reversed(parts), 1),
        "shuffled": merged([parts[i] for i in shuffled], 1),
        "tree": tree[0],
    }


def ranks_off(values: np.ndarray, shares: np.ndarray, found: np.ndarray) -> float:
    """By how many ranks the worst of the quantiles is off."""
    ordered, wanted = np.sort(values), shares * (len(values) - 1)
    below, upto = np.searchsorted(ordered, found, "left"), np.searchsorted(ordered, found, "right") - 1
    return float(np.maximum(np.maximum(below - wanted, wanted - upto), 0).max())


@pytest.mark.parametrize("name", HARD)
def test_shards_merged_in_any_order_are_one_pass(name):
    values = hard_values(name)
    mean = math.fsum(values) / ROWS
    std = math.sqrt(math.fsum((values - mean) ** 2) / ROWS)
    for order, whole in in_orders(shards_of(values)).items():
        found = whole.result()
        assert (found["count"][0], found["min"][0], found["max"][0]) == (ROWS, values.min(), values.max()), order
        assert found["mean"][0] == pytest.approx(mean, rel=1e-12, abs=1e-12 * std), order
        assert found["std"][0] == pytest.approx(std, rel=1e-12 if name != "narrow" else 1e-6), order  # 1e-9 of 1 has 7 digits
        (sketch,) = whole.sketches
        assert ranks_off(values, SHARES, sketch.quantiles(SHARES)) <= sketch.error + 1, order
        assert 0 < sketch.error / ROWS <= (math.floor(math.log2(ROWS / CAPACITY)) + 1) / CAPACITY, order


def test_equal_values_have_no_deviation_and_few_values_have_exact_quantiles():
    for whole in in_orders(shards_of(np.full(20_000, 0.1))).values():
        found = whole.result()
        assert (found["mean"][0], found["std"][0]) == (0.1, 0.0)
        assert {found[name][0] for name in QUANTILES} == {0.1}
    values = np.random.default_rng(3).normal(size=(CAPACITY, 2))
    found = merged([NumberStatistics.of(values[:9]), NumberStatistics.of(values[9:])], 2)
    assert found.rank_error.tolist() == [0, 0]
    exact = np.quantile(values, list(QUANTILES.values()), axis=0)
    assert np.array([found.result()[name] for name in QUANTILES]) == pytest.approx(exact, rel=1e-12)


def test_the_sketch_stays_small_and_says_the_same_each_time():
    values = hard_values("heavy_tailed")
    found = []
    for _ in range(2):
        sketch = QuantileSketch()
        for shard in shards_of(values, (31,)):
            sketch.add(shard)
        found.append(sketch)
    one, two = ([level.tobytes() for level in sketch.levels] for sketch in found)
    assert one == two
    assert max(len(level) for level in found[0].levels) <= CAPACITY
    again = QuantileSketch.of_levels(found[0].levels, found[0].low, found[0].high)
    assert (again.count, again.error) == (ROWS, found[0].error)
    assert again.quantiles(SHARES).tolist() == found[0].quantiles(SHARES).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_no_rank_is_off_by_more_than_the_sketch_says(seed, monkeypatch):
    monkeypatch.setattr(quantiles, "CAPACITY", 8)  # so that a sketch of few values is coarse, and its bound near
    random = np.random.default_rng(seed)
    parts, seen = [], []
    for _ in range(40):
        values = random.choice([random.normal(size=9), np.arange(9.0), np.full(9, 2.0), random.integers(0, 3, 9) * 1.0])
        parts.append(QuantileSketch())
        parts[-1].add(values)
        seen.append(values)
    while len(parts) > 1:  # merged in a random tree
        one = parts.pop(int(random.integers(len(parts))))
        parts[int(random.integers(len(parts)))].merge(one)
    (whole,), every = parts, np.concatenate(seen)
    weights = np.concatenate([np.full(len(level), 2**height) for height, level in enumerate(whole.levels)])
    kept = np.concatenate(whole.levels)
    assert weights.sum() == whole.count == len(every)
    off = [int(weights[kept <= value].sum() - (every <= value).sum()) for value in np.unique(every)]
    assert whole.low <= min(off) <= max(off) <= whole.high
    assert max(-min(off), max(off)) >= whole.error / 20  # the bound is no idle one


def test_averaging_the_quantiles_of_shards_would_not_have_passed():
    values = hard_values("sorted")
    averaged = np.mean([np.quantile(shard, SHARES) for shard in shards_of(values)], axis=0)
    (sketch,) = NumberStatistics.of(values[:, None]).sketches
    assert ranks_off(values, SHARES, averaged) > 100 * (sketch.error + 1)


def test_what_is_no_finite_number_is_counted_and_nothing_else_is_touched():
    values = np.array([[1.0, np.nan, 5.0], [np.inf, np.nan, 6.0], [3.0, np.nan, -np.inf], [np.nan, np.nan, 7.0]])
    for parts in ([values], [values[:1], values[1:]], [values[:3], values[3:]]):
        whole = merged([NumberStatistics.of(part) for part in parts], 3)
        assert (whole.nan.tolist(), whole.inf.tolist(), whole.count.tolist()) == ([1, 4, 0], [1, 0, 1], [2, 0, 3])
        found = whole.result()
        assert (found["min"][[0, 2]].tolist(), found["max"][[0, 2]].tolist()) == ([1, 5], [3, 7])
        assert (found["mean"][[0, 2]].tolist(), found["q50"][[0, 2]].tolist()) == ([2, 6], [2, 6])
        assert not whole.whole
        assert all(np.isnan(found[name][1]) for name in ("min", "max", "mean", "std", *QUANTILES))


def test_vectors_of_another_width_are_refused():
    with pytest.raises(ValueError, match="vectors of 3 numbers do not go together with vectors of 2"):
        NumberStatistics(2).merge(NumberStatistics(3))


def test_pictures_are_exact_however_they_are_merged():
    random = np.random.default_rng(5)
    pictures = random.integers(3, 250, (5, 9, 16, 3), dtype=np.uint8)
    one, two = PictureStatistics(), PictureStatistics()
    for number, picture in enumerate(pictures):
        (one if number < 2 else two).add(picture)
    one.merge(two)
    found, values = one.result(), pictures.reshape(-1, 3) / 255
    assert (found["count"].tolist(), found["std"].shape) == ([5], (3, 1, 1))
    for name, exact in (("min", values.min(0)), ("max", values.max(0)), ("mean", values.mean(0)), ("std", values.std(0))):
        assert found[name].ravel() == pytest.approx(exact, rel=1e-12), name
    for name, share in QUANTILES.items():
        assert found[name].ravel() == pytest.approx(np.quantile(values, share, axis=0), rel=1e-12), name


def test_they_are_those_that_a_real_dataset_says_of_itself(shared_data: Path):
    folder = shared_data / "robot/g1_v21"
    said = {}
    for line in (folder / "meta/episodes_stats.jsonl").read_text().splitlines():
        entry = json.loads(line)
        said[entry["episode_index"]] = entry["stats"]
    compared = 0
    for path in sorted(folder.glob("data/*/*.parquet")):
        table = pq.read_table(path)
        stats = said[int(path.stem.removeprefix("episode_"))]
        for name in ("observation.state", "action"):
            values = np.asarray(table[name].to_pylist(), np.float64)
            found = merged([NumberStatistics.of(shard) for shard in shards_of(values, (40, 7))], values.shape[1]).result()
            assert stats[name]["count"] == [found["count"][0]]
            for quantity in ("min", "max"):
                assert found[quantity].astype(np.float32) == pytest.approx(np.float32(stats[name][quantity]), rel=0), name
            for quantity in ("mean", "std"):  # theirs are float32 sums
                assert found[quantity] == pytest.approx(np.array(stats[name][quantity]), rel=2e-5, abs=2e-6), (name, quantity)
            compared += 1
    assert compared == 6
