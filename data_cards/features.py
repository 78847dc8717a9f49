"""Hugging Face features as a card's YAML spells them, from the dictionaries that stand in a Parquet file's metadata.

The spelling is that of `datasets.Features._to_yaml_list` (datasets 5.2), without the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def yaml_features(features: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The list under `dataset_info: features:`. `features`: column → feature, as in the `huggingface` metadata.

    Raises ValueError for a feature that Cairn does not write.
    """
    return [{"name": name, **_spelled(feature)} for name, feature in features.items()]


def _spelled(feature: Mapping[str, Any]) -> dict[str, Any]:
    kind = feature.get("_type")
    if kind == "Value":
        return {"dtype": feature["dtype"]}
    if kind in ("Image", "Video", "Json") and len(feature) == 1:
        return {"dtype": kind.lower()}
    if kind == "List":
        inner = _spelled(feature["feature"])
        return {"list": next(iter(inner.values())) if list(inner) in (["dtype"], ["struct"]) else inner}
    if kind is None:
        return {"struct": yaml_features(feature)}
    raise ValueError(f"a feature of the type {kind!r} has no spelling here: {dict(feature)}")
