"""The example recipe's release in a folder and on a Hub, and a way to run the scripts that read it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hub_double import WRITER, running

ROOT = Path(__file__).resolve().parents[2]
CONSUME = ROOT / "examples" / "consume"
REPOSITORY = "me/quickstart"
_PUBLISH = """
import sys
from huggingface_hub import HfApi
HfApi().create_repo(sys.argv[1], repo_type="dataset")
HfApi().upload_folder(repo_id=sys.argv[1], folder_path=sys.argv[2], repo_type="dataset")
"""

ABORTED_AT_EXIT = (-6, "terminate called without an active exception")
"""How a script that streamed Parquet ends now and then, after its last line: a thread of pyarrow's scanner outlives Python
(apache/arrow#45214, huggingface/datasets#7566). What it printed is whole, and compared all the same."""

Run = Callable[..., list[str]]


@pytest.fixture(scope="session")
def release(with_small_files: Path) -> Path:
    """What the examples' recipe makes, in small files, so that tables have several. Nobody may change it."""
    found = with_small_files / "finished/out/quickstart/release"
    assert len(list((found / "robot_steps").iterdir())) > 1
    return found


@pytest.fixture(scope="session")
def endpoint(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Hub that holds the release as `me/quickstart`."""
    with running(tmp_path_factory.mktemp("hub")) as hub:
        env = environment(tmp_path_factory.mktemp("publisher")) | {
            "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": WRITER, "HF_HUB_DISABLE_XET": "1",
        }  # fmt: skip
        command = [sys.executable, "-c", _PUBLISH, REPOSITORY, str(release)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        yield hub.endpoint


@pytest.fixture
def consume(request: pytest.FixtureRequest, release: Path, tmp_path: Path) -> Run:
    """`consume("plain", …)`: run a script on the release on the Hub, or in a folder; returns the lines it printed.

    A test that wants both says `parametrize("consume", ["folder", "hub"], indirect=True)`.
    """
    env = environment(tmp_path / "home")
    where: list[str] = []
    if getattr(request, "param", "hub") == "hub":
        env |= {"HF_ENDPOINT": request.getfixturevalue("endpoint")}
        where = [REPOSITORY]
    else:  # no argument: where the README's commands leave the example's release
        (tmp_path / "examples/out/quickstart").mkdir(parents=True)
        (tmp_path / "examples/out/quickstart/release").symlink_to(release)
        env |= {"HF_HUB_OFFLINE": "1"}

    def run(script: str, *arguments: str) -> list[str]:
        place = where or (["examples/out/quickstart/release"] if arguments else [])
        command = [sys.executable, str(CONSUME / f"{script}.py"), *place, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env, cwd=tmp_path)
        if (done.returncode, done.stderr.strip()) != ABORTED_AT_EXIT:
            assert done.returncode == 0, done.stdout + done.stderr
            assert "Traceback" not in done.stderr, done.stderr
        return done.stdout.splitlines()

    return run


def environment(home: Path) -> dict[str, str]:
    """An environment in which nothing of this machine's Hub settings counts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return kept | {"HF_HOME": str(home), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


def train(release: Path, folder: str) -> pa.Table:
    """The train split of a folder of the release, file after file, without the Hub's libraries."""
    return pa.concat_tables([pq.ParquetFile(file).read() for file in sorted(release.glob(f"{folder}/train-*.parquet"))])
