"""Features in the card's YAML are spelled as `datasets` spells them."""

from __future__ import annotations

import pytest
import yaml
from datasets import Features

from data_cards.features import yaml_features
from schemas.arrow import columns_of, published_schema
from schemas.tables import KINDS, TABLES
from schemas.types import Column
from schemas.views import VIEWS

NATIVE = {"observation.force": "list<float32>", "source.step": "int64", "source.deep": "list<list<float64>>"}
DECLARED: dict[str, tuple[Column, ...]] = {
    **{name: columns_of(name, NATIVE if name == "robot_steps" else None) for name in (*TABLES, *KINDS, "annotation_history")},
    **{name: view.columns for name, view in VIEWS.items() if view.columns},
}


@pytest.mark.parametrize("name", DECLARED)
def test_the_spelling_is_that_of_datasets(name: str) -> None:
    schema = published_schema(name, DECLARED[name])
    expected = Features.from_arrow_schema(schema)
    spelled = yaml_features({column.name: column.feature for column in DECLARED[name]})
    assert spelled == expected._to_yaml_list()
    assert Features._from_yaml_list(yaml.safe_load(yaml.safe_dump(spelled))) == expected


@pytest.mark.parametrize("feature", [{"_type": "ClassLabel", "names": ["a"]}, {"_type": "Image", "decode": False}])
def test_a_feature_that_is_not_ours_is_refused(feature: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="has no spelling here"):
        yaml_features({"a": feature})
