"""Selection by hash: the same again, independent of order, and as random as it says."""

from __future__ import annotations

import pytest

from annotators.label_studio.rounds.acceptance import clopper_pearson, decide
from annotators.label_studio.rounds.sampling import in_random_order, overlapping, sample, uncertain_first

KEYS = [f"robot/{i}" for i in range(2000)]


def test_the_same_keys_whatever_their_order() -> None:
    assert sample(KEYS, 50, "b1") == sample(reversed(KEYS), 50, "b1")
    assert set(sample(KEYS, 50, "b1")) != set(sample(KEYS, 50, "b2"))
    assert sample(KEYS[:3], 50) == sample(KEYS[:3], 3)


def test_one_more_key_changes_one_at_most() -> None:
    before, after = set(sample(KEYS, 50)), set(sample([*KEYS, "new"], 50))
    assert len(before - after) <= 1


def test_overlap_is_the_share_and_grows_with_it() -> None:
    few, many = overlapping(KEYS, 0.2), overlapping(KEYS, 0.4)
    assert 340 <= len(few) <= 460  # four standard deviations about 400
    assert few < many
    assert not overlapping(KEYS, 0.0)
    assert overlapping(KEYS, 1.0) == set(KEYS)


def test_random_order_has_nothing_to_do_with_the_keys() -> None:
    order = in_random_order(KEYS)
    assert sorted(order) == sorted(KEYS)
    assert 0.4 < sum(int(key[6:]) < 1000 for key in order[:1000]) / 1000 < 0.6
    assert in_random_order(KEYS, "acceptance") != order


def test_uncertain_comes_first() -> None:
    assert uncertain_first({"a": 0.9, "b": 0.1, "c": 0.5}) == ("b", "c", "a")


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.3084971),  # 1 - 0.025 ** (1/10)
        (10, 10, 0.6915029, 1.0),
        (1, 10, 0.0025286, 0.4450161),  # 1 - 0.975 ** (1/10); tables of Clopper and Pearson
        (5, 10, 0.1870860, 0.8129140),
        (0, 0, 0.0, 1.0),
    ],
)
def test_clopper_pearson(count: int, n: int, low: float, high: float) -> None:
    found = clopper_pearson(count, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))
    if n:
        assert found.share in found


def test_more_than_all_is_no_share() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        clopper_pearson(3, 2)


def test_the_decision() -> None:
    assert decide(clopper_pearson(19, 20), 0.95, 1, 3) == "accept"
    assert decide(clopper_pearson(18, 20), 0.95, 1, 3) == "again"
    assert decide(clopper_pearson(18, 20), 0.95, 3, 3) == "give up"
    assert decide(clopper_pearson(0, 0), 0.95, 1, 3) == "accept"
