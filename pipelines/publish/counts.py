"""What the shards of each config of a card say of themselves: features and rows, read from footers."""

from __future__ import annotations

import json
from collections import Counter
from fnmatch import fnmatch
from typing import Any

from data_cards.features import yaml_features

from .local import LocalRelease
from .refusals import ConfigCounts


def count_configs(release: LocalRelease) -> dict[str, ConfigCounts]:
    """Config → its features (of its first file, as loaders take them) and its rows by split."""
    footers = {}
    for path in release.parquet:
        with release.open_parquet(path) as file:
            footers[path] = file.metadata.num_rows, _features((file.schema_arrow.metadata or {}).get(b"huggingface"))
    found = {}
    for config in release.front_matter.get("configs") or ():
        rows: Counter[str] = Counter()
        features: Any = None
        for data in config["data_files"]:
            for path in (path for path in release.parquet if fnmatch(path, data["path"])):
                rows[data["split"]] += footers[path][0]
                features = features or footers[path][1]
        found[config["config_name"]] = ConfigCounts(features, dict(rows))
    return found


def _features(metadata: bytes | None) -> Any:
    return yaml_features(json.loads(metadata)["info"]["features"]) if metadata else None
