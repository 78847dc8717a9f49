"""Run-length encoded masks, against strings that pycocotools wrote and against random masks."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.label_studio.pictures.masks import decode_mask, encode_mask


def test_known_string() -> None:
    """Runs 5 2 2 2 2 2 5 by hand through `rleToString`: from the fourth on, differences to the run two before."""
    mask = np.zeros((4, 5), bool)
    mask[1:3, 1:4] = True
    assert encode_mask(mask) == "5220003"
    assert np.array_equal(decode_mask(4, 5, "5220003"), mask)


@pytest.mark.parametrize("seed", range(20))
def test_round_trip(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((int(rng.integers(1, 90)), int(rng.integers(1, 90)))) < rng.random()
    assert np.array_equal(decode_mask(*mask.shape, encode_mask(mask)), mask)


def test_large_runs() -> None:
    mask = np.zeros((480, 640), bool)
    mask[100:380, 200:500] = True
    assert np.array_equal(decode_mask(480, 640, encode_mask(mask)), mask)
    assert np.array_equal(decode_mask(480, 640, encode_mask(~mask)), ~mask)


@pytest.mark.parametrize("counts", ["5220004", "522", "", "52 20003", "é"])
def test_what_is_no_mask(counts: str) -> None:
    with pytest.raises(ValueError, match="mask"):
        decode_mask(4, 5, counts)
