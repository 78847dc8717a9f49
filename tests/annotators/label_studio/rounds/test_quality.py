"""What a recipe may say about quality, and how it is told that it may not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from annotators.label_studio.rounds.quality import Quality


def test_a_bare_number_is_the_main_measure() -> None:
    quality = Quality.model_validate(
        {
            "overlap": 0.2,
            "agreement": {"segments": 0.9, "regions": {"point_distance": 0.01}},
            "acceptance": {"sample": 50, "bar": 0.95},
        }
    )
    assert quality.threshold("segments", "boundary_f1") == 0.9
    assert quality.threshold("segments", "label_kappa") == 0.6
    assert quality.threshold("regions", "point_distance") == 0.01
    assert quality.rounds == 3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"overlap": 1.2}, "less than or equal to 1"),
        ({"overlapp": 0.1}, "Extra inputs are not permitted"),
        ({"agreement": {"segment": 0.9}}, "no kind 'segment'; there are segments, texts"),
        ({"agreement": {"texts": {"iou": 0.9}}}, "texts has no measure 'iou'; it has text_similarity, verdict_kappa"),
        ({"agreement": {"texts": 60}}, "the threshold of text_similarity is 60, should be between 0 and 1"),
        ({"agreement": {"regions": {"point_distance": -1}}}, "should be 0 or more, in diagonals"),
        ({"agreement": {"texts": "high"}}, "is 'high', should be a number"),
        ({"acceptance": {"sample": 0, "bar": 0.9}}, "greater than or equal to 1"),
        ({"acceptance": {"bar": 0.9}}, "Field required"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence.replace("(", r"\(")):
        Quality.model_validate(given)
