"""What the jobs share: taking out what breaks a rule."""

from __future__ import annotations

from typing import Any

from annotators.annotation import Annotation, Producer, annotation_tables
from pipelines.engine.job import take_out_annotations
from pipelines.shard import Shard, ShardKey
from schemas.arrow import columns_of, stored_schema, table_from_rows

SIGNAL = Producer("signal", "robot.motion_segments", "1")


def shard(*spans: tuple[str, int, int]) -> Shard:
    """Two trajectories of 10 steps with these motions, the second one sound."""
    headers = [{"trajectory_id": i, "domain": "robot", "num_steps": 10, "source_name": "s", "native_id": i} for i in "ab"]
    rows: list[dict[str, Any]] = []
    for trajectory_id, own in (("a", spans), ("b", (("move", 0, 10),))):
        said = [Annotation("motion", {"label": label}, start, end) for label, start, end in own]
        rows += annotation_tables(trajectory_id, SIGNAL, said)["segments"].to_pylist()
    return Shard(
        ShardKey("k", "f"),
        {
            "trajectories": table_from_rows(stored_schema("trajectories", columns_of("trajectories")), headers),
            "segments": table_from_rows(stored_schema("segments", columns_of("segments")), rows),
        },
    )


def left(found: Shard) -> list[tuple[str, int, int]]:
    rows = found.tables["segments"].to_pylist()
    return [(row["trajectory_id"], row["start"], row["end"]) for row in rows]


def test_a_tiling_with_a_gap_is_taken_out_whole() -> None:
    found = take_out_annotations(shard(("still", 0, 4), ("move", 6, 10)), "propose")
    assert left(found) == [("b", 0, 10)]
    assert [(r.code, r.native_id) for r in found.rejects] == [("interval_gap", "a")]


def test_of_what_was_said_twice_one_copy_stays() -> None:
    found = take_out_annotations(shard(("move", 0, 10), ("move", 0, 10)), "propose")
    assert ("b", 0, 10) in left(found)
    assert "annotation_twice" in {r.code for r in found.rejects}


def test_a_sound_shard_stays_as_it_is() -> None:
    sound = shard(("still", 0, 5), ("move", 5, 10))
    assert take_out_annotations(sound, "propose") is sound
