"""What the card promises to loaders: its code runs as it stands, and every config has exactly the features that it states."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .markdown import parsed

EVERY_CONFIG = """
import json, sys
import yaml
yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # each load parses the header of the card again
from datasets import Features, load_dataset_builder
root = sys.argv[1]
header = yaml.safe_load(open(root + "/README.md").read().split("---\\n")[1])
found = {}
for info in header["dataset_info"]:
    expected = Features._from_yaml_list(info["features"])
    builder = load_dataset_builder(root, info["config_name"])
    of_builder = builder.info.features == expected
    builder.download_and_prepare()  # this and the next line are what load_dataset does
    loaded, streamed = builder.as_dataset(), builder.as_streaming_dataset()
    found[info["config_name"]] = {
        "features": all(part.features == expected for part in (*loaded.values(), *streamed.values())),
        "rows": {split: part.num_rows for split, part in loaded.items()},
        "said": {split["name"]: split["num_examples"] for split in info["splits"]},
        "builder": of_builder,
    }
print(json.dumps(found))
"""

LEAVE = "\nimport os, sys\nsys.stdout.flush()\nos._exit(0)"
"""Prefetching threads of a stream may abort the interpreter while it shuts down (apache/arrow#45214)."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("hf")
    return os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}


def python(program: str, environment: dict[str, str], folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=280, check=False)
    assert done.returncode == 0, f"{program}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_every_config_loads_with_the_features_and_rows_that_the_card_states(first: Path, environment: dict[str, str]) -> None:
    found: dict[str, Any] = json.loads(python(EVERY_CONFIG, environment, first, str(first / "out/quickstart/release")))
    assert len(found) > 20
    assert [name for name, one in found.items() if not one["features"]] == []
    assert [name for name, one in found.items() if not one["builder"]] == []
    assert {name: one["rows"] for name, one in found.items()} == {name: one["said"] for name, one in found.items()}


def test_the_code_on_the_card_runs_as_it_stands(first: Path, environment: dict[str, str]) -> None:
    card = parsed((first / "out/quickstart/release/README.md").read_text())
    whole, streamed, beside, joined, lines = card.code
    shown = "\nprint({split: part.num_rows for split, part in trajectories.items()})"
    assert python(whole + shown, environment, first).strip() == "{'train': 13, 'test': 2}"
    said = python(streamed + LEAVE, environment, first)
    assert said.startswith("{'trajectory_id': 'lift/episode_000000', 'step': 0, 'action_name': None, 'state': [")
    assert "timestamp" not in said
    assert python(beside + "\nprint(both.num_rows, 'motion' in both.column_names)", environment, first).split() == [
        "140",
        "True",
    ]
    counted = "\nprint(len(joined[0]), sorted(joined[0].columns))"
    rows, columns = python(joined + counted, environment, first).split(" ", 1)
    assert int(rows) == 2  # contacts last one step each
    assert "label" in columns
    assert "step" in columns
    named = [line.split('"')[3] for line in lines.strip().splitlines()]
    assert named == [config["config_name"] for config in card.header["configs"]]
