"""What all tests share: where the real inputs are, and how one source is read without a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from annotators.task import Tasks
from annotators.trajectory import TrajectoryView
from pipelines.io.media import MediaEntry, MediaReader
from pipelines.shard import Reject
from pipelines.sources import Rejected, Source, reader
from pipelines.stages.reading import ReadResult, Tables, read_ref
from pipelines.stages.views import trajectories_in

pytest_plugins = ["tests.label_studio_fixtures", "tests.finished_runs"]

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


EXPENSIVE = {"label_studio", "label_studio_template", "chromium", "quickstart", "with_small_files", "public_recording"}
"""Fixtures that take seconds."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: begun last, one of them would be waited for alone."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if not item.nodeid.startswith("tests/end_to_end/"):
        return 4 if EXPENSIVE.isdisjoint(getattr(item, "fixturenames", ())) else 3
    if "/test_review_command_line" in item.nodeid:
        return 0  # it has Label Studio's database made, for which the other reviews would wait
    return 2 if "/test_review_" in item.nodeid else 1


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings of other projects, beside the checkout; tests that need them are skipped where they are absent."""
    if not SHARED.is_dir():
        pytest.skip("the real inputs (../shared/data) are not on this machine")
    return SHARED


@dataclass
class ReadSource:
    """What a source gave: tables of each trajectory by trajectory_id, rejects, media, and its tasks."""

    trajectories: dict[str, Tables]
    rejects: list[Reject]
    media: MediaReader
    tasks: Tasks = field(default_factory=Tasks)

    def view(self, trajectory_id: str) -> TrajectoryView:
        """One trajectory as annotators see it."""
        tables = self.trajectories[trajectory_id]
        header = tables["trajectories"].to_pylist()[0]
        return TrajectoryView(header, tables, self.media.read, self.media.open, self.tasks.get(header["task_id"]))

    def rows(self, trajectory_id: str, table: str) -> list[dict[str, Any]]:
        """The rows of one table of one trajectory."""
        found: list[dict[str, Any]] = self.trajectories[trajectory_id][table].to_pylist()
        return found

    def table(self, name: str) -> pa.Table:
        """One table over all trajectories."""
        return pa.concat_tables([t[name] for t in self.trajectories.values() if name in t])


@pytest.fixture
def read_source(tmp_path: Path) -> Callable[..., ReadSource]:
    """`read_source("playwright", uri, option=…)`: plan a source and read all of it, in process."""

    def read(reader_name: str, uri: str | Path, name: str = "s", **options: Any) -> ReadSource:
        found = reader(reader_name)
        source = Source(name, reader_name, str(uri), "cc0-1.0", None, found.options(**options))
        trajectories: dict[str, Tables] = {}
        tasks: list[pa.Table] = []
        rejects: list[Reject] = []
        media: dict[str, MediaEntry] = {}
        try:
            planned = list(found.plan(source))
        except Rejected as rejected:
            planned = [Reject("plan", name, str(uri), None, rejected.code, rejected.message, rejected.detail)]
        for item in planned:
            if isinstance(item, Reject):
                rejects.append(item)
                continue
            result: ReadResult = read_ref(found, source, item, tmp_path / "staged", "media/test.pack", media)
            for tables in result.trajectories:
                each = [tables] if tables["trajectories"].num_rows == 1 else trajectories_in(tables)
                trajectories |= {own["trajectories"]["trajectory_id"][0].as_py(): own for own in each}
            tasks += result.tasks
            rejects += result.rejects
            media |= result.media
        reader_of_media = MediaReader(str(tmp_path / "staged"), media)
        return ReadSource(trajectories, rejects, reader_of_media, Tasks(pa.concat_tables(tasks) if tasks else None))

    return read
