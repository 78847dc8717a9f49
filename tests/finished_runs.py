"""What takes long and many tests look at, such as finished runs: made once, by the first worker of the session that needs it."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest

from pipelines.io.media import MediaReader
from pipelines.shard import Ref
from pipelines.sources import Source, reader
from pipelines.stages.reading import Tables, read_ref
from tests.command import cairn

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name, shared by all workers: the first fills it with `make`. Nobody may change it."""
    own = factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, done = root / name, root / f"{name}.done"
    with filelock.FileLock(root / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def run(recipe: Path) -> None:
    """`cairn run`, which must end well."""
    done = cairn("run", recipe)
    assert done.returncode == 0, done.stdout + done.stderr


def copy_examples(folder: Path) -> None:
    """The examples' recipe and its data."""
    shutil.copy(EXAMPLES / "quickstart.yaml", folder)
    shutil.copytree(EXAMPLES / "data", folder / "data")


def _quickstart(folder: Path) -> None:
    copy_examples(folder)
    run(folder / "quickstart.yaml")


def _small_files(folder: Path) -> None:
    work = folder / "work"
    work.mkdir()
    copy_examples(work)
    (work / "data/arc/broken.json").write_text("{")
    with (work / "quickstart.yaml").open("a") as recipe:
        recipe.write("\nmax_reject_ratio: 0.5\nshards: {bytes: 40_000}\n")
    run(work / "quickstart.yaml")
    shutil.copytree(work, folder / "finished")


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of the examples' recipe. Nobody may change it."""
    return made_once(tmp_path_factory, "quickstart", _quickstart) / "out/quickstart"


@pytest.fixture(scope="session")
def with_small_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples' recipe and its release below `out`, in files so small that tables have several.

    One recording is broken. `finished` in it is what nobody may change; `work` is where it was made, for a next version.
    """
    return made_once(tmp_path_factory, "with_small_files", _small_files)


@pytest.fixture(scope="session")
def public_recording(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, MediaReader]:
    """The public AgentNetTool recording as it is read: a video of a screen, whose frames are looked for."""

    def read(folder: Path) -> None:
        found = reader("agentnet")
        source = Source("s", "agentnet", str(shared_data / "gui/agentnet_raw"), "mit", None, found.options())
        (ref,) = found.plan(source)
        assert isinstance(ref, Ref)
        result = read_ref(found, source, ref, folder, "media/test.pack")
        assert not result.rejects
        (folder / "result").write_bytes(pickle.dumps((result.trajectories, result.media)))

    folder = made_once(tmp_path_factory, "public_recording", read)
    (tables,), media = pickle.loads((folder / "result").read_bytes())
    return tables, MediaReader(str(folder), media)
