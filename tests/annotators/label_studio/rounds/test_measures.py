"""The statistics, against values worked out by hand or printed by their authors."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.label_studio.pictures.masks import decode_mask
from annotators.label_studio.rounds.measures import (
    boundary_f1,
    box_iou,
    cohen_kappa,
    krippendorff_alpha,
    pair_up,
    set_f1,
    text_similarity,
    words_of,
)


@pytest.mark.parametrize(
    ("first", "second", "tolerance", "expected"),
    [
        ({10, 20, 30}, {10, 20, 30}, 0, 1.0),
        ({10, 20, 30}, {12, 20, 40}, 0, 1 / 3),
        ({10, 20, 30}, {12, 20, 40}, 2, 2 / 3),
        ({10}, {9, 11}, 1, 2 / 3),  # one partner each
        ({10, 12}, {11, 13}, 1, 1.0),  # 10-11 and 12-13, not 12-11 and nothing for 10
        ({10}, set(), 5, 0.0),
        (set(), set(), 0, 1.0),
    ],
)
def test_boundaries_are_matched_one_to_one(first: set[int], second: set[int], tolerance: float, expected: float) -> None:
    assert boundary_f1(first, second, tolerance) == pytest.approx(expected)
    assert boundary_f1(second, first, tolerance) == pytest.approx(expected)


def test_cohen_kappa_of_the_textbook_table() -> None:
    # 50 grant proposals: both yes 20, both no 15, A yes B no 5, A no B yes 10; observed .7, chance .5
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)


def test_kappa_where_chance_alone_agrees() -> None:
    assert cohen_kappa([("a", "a")] * 3) == 1.0
    assert cohen_kappa([]) == 1.0
    assert cohen_kappa([("a", "b")]) == 0.0
    assert cohen_kappa([("a", "a"), ("a", "b")]) == 0.0  # 1 of 2 observed, 1 of 2 by chance


def test_krippendorff_alpha_of_his_example() -> None:
    # K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), part C: four observers, nominal, alpha = 0.743
    observers = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    units = [[word for word in column if word != "."] for column in zip(*(line.split() for line in observers), strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_krippendorff_alpha_of_two_people() -> None:
    # part A of the same paper: ten units, binary; coincidences 0-1: 4 of 20, n0 = 14, n1 = 6; alpha = 1 - 19 * 8/(2*84) = 0.095
    first, second = "0100000010", "1110010000"
    assert krippendorff_alpha(zip(first, second, strict=True)) == pytest.approx(0.095, abs=5e-4)


def test_alpha_needs_two_people_and_two_words() -> None:
    assert krippendorff_alpha([["a"], ["b"]]) is None
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) is None


def test_text_similarity_counts_words() -> None:
    assert text_similarity("Put the cup down.", "put the CUP  down") == 1.0
    assert text_similarity("move to the cup", "move to the plate") == pytest.approx(6 / 8)
    assert text_similarity("the the cup", "the cup") == pytest.approx(4 / 5)  # a bag, not a set
    assert text_similarity("", "…") == 1.0
    assert text_similarity("cup", "") == 0.0


def test_words_of_other_scripts() -> None:
    assert words_of("ＣＵＰ Ａ") == ["cup", "a"]
    assert words_of("拿起杯子") == ["拿", "起", "杯", "子"]
    assert words_of("Straße 3") == ["strasse", "3"]


def test_sets_and_boxes() -> None:
    assert set_f1([1, 2, 3], [2, 3, 4]) == pytest.approx(2 / 3)
    assert box_iou([0, 0, 10, 10], [5, 0, 15, 10]) == pytest.approx(50 / 150)
    assert box_iou([0, 0, 10, 10], [20, 20, 30, 30]) == 0.0
    assert box_iou([5, 5, 5, 5], [5, 5, 5, 5]) == 1.0


def test_pairs_sum_up_highest() -> None:
    # greedy would take 0.9 first and leave 0.1; the best total is 0.8 + 0.8
    table = {("a", "x"): 0.9, ("a", "y"): 0.8, ("b", "x"): 0.8, ("b", "y"): 0.1}
    assert [(i, j) for i, j, _ in pair_up(["a", "b"], ["x", "y"], lambda p, q: table[p, q])] == [(0, 1), (1, 0)]


def test_masks_of_coco() -> None:
    expected = np.zeros((3, 4), bool)  # column by column: 5 background, 2 foreground, 5 background
    expected[2, 1] = expected[0, 2] = True
    assert np.array_equal(decode_mask(3, 4, "525"), expected)


def runs(counts: str, pixels: int) -> list[int]:
    """Lengths of the runs of a mask of one column."""
    flat = decode_mask(pixels, 1, counts)[:, 0]
    borders = [0, *(np.flatnonzero(np.diff(flat)) + 1), pixels]
    return np.diff(borders).tolist()


def test_run_lengths_as_in_rle_fr_string() -> None:
    assert runs("1232", 10) == [1, 2, 3, 4]  # from the fourth on a difference to the run before last: 4 - 2
    assert runs("153O", 13) == [1, 5, 3, 4]  # "O" is 31, minus one
    assert runs("T3", 100) == [100]  # 4 + 3 * 32
    with pytest.raises(ValueError, match="cover 0 pixels"):  # cut in the middle of a number
        decode_mask(1, 20, "T")
    with pytest.raises(ValueError, match="cover 12 pixels, 2 × 2 are 4"):
        decode_mask(2, 2, "525")
