"""What `read_ref` adds to what a reader says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.io.media import MediaWriter
from pipelines.sources import Trajectory
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
