"""Run as a script: `load_configs.py RELEASE CALLS ANSWERS HOME` makes calls of `load_dataset` and pickles what came back.

A process of its own, since `datasets` reads its environment once, at import, and here it has to be offline and to keep
its cache in HOME.

A call is a dictionary: `config`, `split`, `streaming`, perhaps `columns` and `filters`; `beside`, a config to stand next
to it (axis=1); `decode`, whether media are decoded. Its answer is (features as a dictionary, rows in order), where
decoded images are their sizes.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

Answer = tuple[dict[str, Any], list[dict[str, Any]]]


def load(release: str, call: dict[str, Any]) -> Answer:
    from datasets import Image, Video, concatenate_datasets, load_dataset

    narrowed = {name: call[name] for name in ("columns", "filters") if name in call}
    found = load_dataset(release, call["config"], split=call["split"], streaming=call["streaming"], **narrowed)
    if "beside" in call:
        beside = load_dataset(release, call["beside"], split=call["split"], streaming=call["streaming"])
        found = concatenate_datasets([found, beside], axis=1)
    features: dict[str, Any] = found.features.to_dict()
    if call.get("decode"):
        return features, [{name: getattr(value, "size", value) for name, value in row.items()} for row in found]
    for name, feature in found.features.items():
        if isinstance(feature, Image | Video):
            found = found.cast_column(name, type(feature)(decode=False))
    return features, list(found)


def main(release: str, calls: Path, answers: Path, home: str) -> None:
    os.environ.update(HF_HOME=home, HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    import yaml

    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # each load parses the card again
    answers.write_bytes(pickle.dumps([load(release, call) for call in pickle.loads(calls.read_bytes())]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
