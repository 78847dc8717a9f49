"""What `read_ref` adds to what a reader says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref
from pipelines.sources import LocalFiles, Options, Source, Trajectory
from pipelines.stages import reading


def test_a_video_part_above_the_bound_is_named_in_completeness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PART_BYTES", 10)
    media = MediaWriter(tmp_path, "media/a.pack")
    rows: list[dict[str, Any]] = [
        {"stream": "front", "part": part, "video": media.add(b"x" * size, ".mp4")} for part, size in enumerate((9, 11))
    ]
    said = reading.with_large_parts(Trajectory("a", {"completeness": {"holes": 1}}, {"videos": rows}), media)
    assert said.header["completeness"] == {"holes": 1, "large_video_parts": [{"stream": "front", "part": 1, "bytes": 11}]}


def test_other_trajectories_stay_as_they_are(tmp_path: Path) -> None:
    trajectory = Trajectory("a", {"domain": "arc"}, {"arc_steps": []})
    assert reading.with_large_parts(trajectory, MediaWriter(tmp_path, "media/a.pack")) is trajectory


class Three:
    """Reads three trajectories of a file, the second with a header that does not fit, the third nested deeper than JSON may be."""

    version, native, options = "1", True, Options

    def plan(self, source: Source) -> Iterator[Ref]:
        for file in list_files(source.uri):
            yield Ref(file.name, (file,))

    def native_columns(self, source: Source) -> Mapping[str, str]:
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Trajectory]:
        deep: Any = 0
        for _ in range(100_000):
            deep = [deep]
        for name, header in (("a", {"fps": 10.0}), ("b", {"fps": f"ten {files.only}"}), ("c", {"extras": {"deep": deep}})):
            yield Trajectory(f"{ref.native_id}/{name}", {"domain": "robot", **header}, {"robot_steps": {"step": [0, 1]}})


@pytest.mark.parametrize("together", [False, True])
def test_a_header_that_does_not_fit_costs_its_trajectory_alone(tmp_path: Path, together: bool) -> None:
    (tmp_path / "in").mkdir()
    for name in ("x", "y"):
        (tmp_path / "in" / name).write_text(name)
    source = Source("s", "three", str(tmp_path / "in"), "cc0-1.0")
    refs = list(Three().plan(source))
    if together:
        results = [reading.read_together(Three(), source, refs, tmp_path / "staged", "p")]
    else:
        results = [reading.read_ref(Three(), source, ref, tmp_path / "staged", "p") for ref in refs]
    tables = [tables for result in results for tables in result.trajectories]
    assert [t["trajectories"]["trajectory_id"].to_pylist() for t in tables] == [["s/x/a"], ["s/y/a"]]
    assert [t["robot_steps"]["trajectory_id"].to_pylist() for t in tables] == [["s/x/a"] * 2, ["s/y/a"] * 2]
    rejects = [reject for result in results for reject in result.rejects]
    assert [(r.native_id, r.code) for r in rejects] == [
        (f"{name}/{which}", "value_unfit") for name in ("x", "y") for which in ("b", "c")
    ]
    assert "column fps" in rejects[0].message
    assert str(tmp_path) not in rejects[0].message
