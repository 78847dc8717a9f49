"""Run as a script: `load_published.py REPO TAG RELEASE` opens every config of a published release as a consumer does.

`HF_ENDPOINT` and `HF_HOME` are those of the environment. Prints {"loads": …, "failed": […]}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(repo: str, tag: str, release: Path) -> dict[str, object]:
    import pyarrow.parquet as pq
    import yaml
    from datasets import Features, Image, Video, load_dataset

    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # each load parses the card again
    failed, loads = [], 0
    for config in yaml.safe_load((release / "README.md").read_text().split("---\n")[1])["configs"]:
        name = config["config_name"]
        opened = {mode: load_dataset(repo, name, streaming=mode, revision=tag) for mode in (False, True)}
        for data in config["data_files"]:
            files = sorted(release.glob(data["path"]))
            expected = {str(Features.from_arrow_schema(pq.read_schema(file))) for file in files}
            tables = [pq.read_table(file) for file in files]
            ids = [value for table in tables for value in table[table.column_names[0]].to_pylist()]
            for streaming in (False, True):
                loads += 1
                found = opened[streaming][data["split"]]
                if {str(found.features)} != expected:
                    failed.append([name, data["split"], streaming, "features"])
                for column, feature in found.features.items():
                    if isinstance(feature, Image | Video):
                        found = found.cast_column(column, type(feature)(decode=False))
                if [row[tables[0].column_names[0]] for row in found] != ids:
                    failed.append([name, data["split"], streaming, "rows"])
    return {"loads": loads, "failed": failed}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))), flush=True)
    os._exit(0)  # prefetching threads of a stream may abort the interpreter while it shuts down
