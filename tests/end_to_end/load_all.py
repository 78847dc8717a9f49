"""Run as a script: `load_all.py RELEASE HOME [ROWS]` opens every config and split of a card as a consumer does.

With ROWS the rows of all configs are pickled into that file, `{config: rows}`, media as their bytes.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any


def main(release: Path, home: Path, kept: Path | None = None) -> dict[str, object]:
    """{"loads": how many were tried, "failed": what was wrong}."""
    os.environ.update(HF_HOME=str(home), HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    import pyarrow.parquet as pq
    import yaml
    from datasets import Features, Image, Video, load_dataset

    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # each load parses the card again
    failed, loads = [], 0
    loaded: dict[str, list[Any]] = {}
    for config in yaml.safe_load((release / "README.md").read_text().split("---\n")[1])["configs"]:
        for data in config["data_files"]:
            files = sorted(release.glob(data["path"]))
            expected = {str(Features.from_arrow_schema(pq.read_schema(file))) for file in files}
            rows = sum(pq.read_metadata(file).num_rows for file in files)
            for streaming in (False, True):
                loads += 1
                found = load_dataset(str(release), config["config_name"], split=data["split"], streaming=streaming)
                if {str(found.features)} != expected:
                    failed.append([config["config_name"], data["split"], streaming, "features"])
                for name, feature in found.features.items():
                    if isinstance(feature, Image | Video):
                        found = found.cast_column(name, type(feature)(decode=False))
                seen = 0
                for row in found:
                    seen += 1
                    if kept is not None and not streaming:
                        loaded.setdefault(config["config_name"], []).append(row)
                if seen != rows:
                    failed.append([config["config_name"], data["split"], streaming, "rows"])
    if kept is not None:
        kept.write_bytes(pickle.dumps(loaded))
    return {"loads": loads, "failed": failed}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), *map(Path, sys.argv[3:]))), flush=True)
    os._exit(0)  # prefetching threads of a stream may abort the interpreter while it shuts down
