"""From stored tables to published files: row groups, media, and what may not be published together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ConfigurationError, DataError
from pipelines.io.media import MediaReader, MediaWriter
from pipelines.io.store import Store
from pipelines.recipe import load_recipe
from pipelines.release.catalogue import Catalogue, StoredFile
from pipelines.release.check import check_release
from pipelines.shard import FileRecord, Outcome
from pipelines.stages import release as release_module
from pipelines.stages.release import Release, embedded_groups
from schemas.arrow import columns_of, published_schema, stored_schema, table_from_rows
from tests.command import cairn
from tests.finished_runs import EXAMPLES

RunRecipe = Callable[[str], Path]


def pictures(tmp_path: Path, sizes: list[int | None]) -> tuple[pa.Table, MediaReader]:
    """gui_steps whose screenshots have these sizes; None is no screenshot."""
    writer = MediaWriter(tmp_path, "s.pack")
    rows = [
        {"trajectory_id": "a", "step": i, "screenshot": None if size is None else writer.add(b"%09d" % i + bytes(size), ".png")}
        for i, size in enumerate(sizes)
    ]
    return table_from_rows(stored_schema("gui_steps", columns_of("gui_steps")), rows), MediaReader(str(tmp_path), writer.added)


def groups(table: pa.Table, media: MediaReader, name: str = "gui_steps") -> list[pa.Table]:
    return list(embedded_groups(table, name, columns_of(name), media))


def test_media_are_embedded_with_their_name_and_an_absent_one_is_null(tmp_path: Path) -> None:
    (group,) = groups(*pictures(tmp_path, [5, None, 5]))
    assert group.schema.equals(published_schema("gui_steps", columns_of("gui_steps")), check_metadata=True)
    first, none, last = group["screenshot"].to_pylist()
    assert none is None
    assert (first["bytes"], last["bytes"]) == (b"000000000" + bytes(5), b"000000002" + bytes(5))
    assert first["path"].endswith(".png")


def test_row_groups_hold_about_the_bound_of_media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_module, "MEDIA_GROUP_BYTES", 100)
    table, media = pictures(tmp_path, [41, 41, None, None, 91, None, 200, 1, None])
    found = groups(table, media)
    assert [group.num_rows for group in found] == [2, 3, 2, 2]
    assert pa.concat_tables(found)["step"].to_pylist() == list(range(9))


def test_steps_without_any_medium_are_one_group(tmp_path: Path) -> None:
    (group,) = groups(*pictures(tmp_path, [None] * 50))
    assert group.num_rows == 50
    assert group["screenshot"].null_count == 50


def test_tables_without_media_are_cut_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"run": f"{i:04d}", "producer": "x" * 100} for i in range(100)]
    table = table_from_rows(stored_schema("runs", columns_of("runs")), rows)
    monkeypatch.setattr(release_module, "GROUP_BYTES", table.nbytes // 4)
    found = groups(table, MediaReader("", {}), "runs")
    assert 4 <= len(found) <= 5
    assert pa.concat_tables(found)["run"].to_pylist() == [row["run"] for row in rows]


def test_long_texts_are_unpacked(tmp_path: Path) -> None:
    writer = MediaWriter(tmp_path, "s.pack")
    rows = [{"trajectory_id": "a", "step": i, "format": "dom", "tree": writer.add(text.encode(), ".json")} for i, text in
            enumerate(["{}", "ü"])]  # fmt: skip
    table = table_from_rows(stored_schema("gui_trees", columns_of("gui_trees")), rows)
    (group,) = groups(table, MediaReader(str(tmp_path), writer.added), "gui_trees")
    assert group["tree"].to_pylist() == ["{}", "ü"]


def robot(folder: Path, name: str, tactile: str) -> str:
    """An empty LeRobot source whose index states a feature `tactile` of this type; returns its line in a recipe."""

    info = json.loads((EXAMPLES / "data/lift/meta/info.json").read_text())
    info["features"]["tactile"] = {"dtype": tactile, "shape": [1], "names": None}
    (folder / name / "meta").mkdir(parents=True)
    (folder / name / "meta" / "info.json").write_text(json.dumps(info))
    return f"  - {{name: {name}, reader: lerobot, uri: {name}, license: mit}}\n"


def job(folder: Path, sources: str) -> Release:
    (folder / "recipe.yaml").write_text(f"name: t\nlicense: mit\nworkspace: out\nsources:\n{sources}")
    recipe = load_recipe(folder / "recipe.yaml")
    steps = {"robot_steps": FileRecord("steps.parquet", 1, 1, 1, "")}
    ingested = tuple(Outcome(f"{s.name}-0", "", steps, facts={"source": s.name}) for s in recipe.sources)
    return Release(recipe, Store(recipe.workspace_uri), (), ingested, ())


def test_native_columns_are_the_union_of_all_sources(tmp_path: Path) -> None:
    native = job(tmp_path, robot(tmp_path, "one", "float32") + robot(tmp_path, "two", "float32")).native
    assert "tactile" in native


def test_one_native_column_of_two_types_is_refused(tmp_path: Path) -> None:
    both = job(tmp_path, robot(tmp_path, "one", "float32") + robot(tmp_path, "two", "int64"))
    with pytest.raises(
        ConfigurationError, match=r"column 'tactile' is .*float32.* in source 'one' and .*int64.* in source 'two'"
    ):
        both.plan()


def test_a_native_column_that_stands_beside_the_steps_already_is_refused(tmp_path: Path) -> None:
    source = robot(tmp_path, "one", "float32")
    index = tmp_path / "one/meta/info.json"
    index.write_text(index.read_text().replace('"tactile"', '"motion"'))
    with pytest.raises(ConfigurationError, match="source 'one' has a column 'motion', and so has robot_labels"):
        job(tmp_path, source).plan()


def stored(shard: str, *ids: str) -> StoredFile:
    return StoredFile(shard, FileRecord(f"{shard}.parquet", len(ids), 1, 100, ""), {(i, None): 1 for i in ids})


def header(trajectory_id: str) -> dict[str, Any]:
    return {"trajectory_id": trajectory_id, "domain": "arc", "task_id": "t", "scene": None, "group": None, "extras": None,
            "num_steps": 1, "source_name": "a", "agent": None, "started_at": None, "attempt": None}  # fmt: skip


def test_two_recordings_of_one_id_in_two_shards_are_no_release(tmp_path: Path) -> None:
    twice = job(tmp_path, robot(tmp_path, "one", "float32"))
    twice.__dict__["catalogue"] = Catalogue({}, {}, [header("a/2"), header("a/1"), header("a/2")])
    with pytest.raises(DataError, match="two recordings have the id 'a/2'"):
        _ = twice.dealt


def test_files_are_found_by_trajectory_in_their_order() -> None:
    catalogue = Catalogue({"arc_steps": [stored("z", "a/1", "a/2"), stored("y", "a/3"), stored("x", "a/2", "a/4")]}, {})
    assert [file.shard for file in catalogue.files_with("arc_steps", ["a/4", "a/2"])] == ["z", "x"]
    assert [file.shard for file in catalogue.files_with("arc_steps", ["a/3", "a/9"])] == ["y"]
    assert catalogue.files_with("videos", ["a/1"]) == []


def test_a_release_of_100_000_trajectories_is_planned_without_a_quadratic_search(tmp_path: Path) -> None:
    count, of_shard = 100_000, 500
    ids = [f"a/{i:06d}" for i in range(count)]
    shards = [ids[i : i + of_shard] for i in range(0, count, of_shard)]
    files = {table: [stored(f"{i}", *own) for i, own in enumerate(shards)] for table in ("trajectories", "arc_steps", "checks")}
    planned = job(tmp_path, robot(tmp_path, "one", "float32") + "shards: {bytes: 2000}\n")
    planned.__dict__["catalogue"] = Catalogue(files, {}, [header(i) | {"task_id": i} for i in ids])
    looked_at = 0

    class Counting(dict[Any, int]):
        def __iter__(self) -> Any:
            nonlocal looked_at
            looked_at += len(self)
            return super().__iter__()

    for of_table in files.values():
        of_table[:] = [StoredFile(f.shard, f.record, Counting(f.rows)) for f in of_table]
    keys = planned.plan().keys
    assert len(keys) > 300
    assert sum(len(key.spec["ids"]) for key in keys if key.spec["product"] == "arc_steps") == count
    assert looked_at <= 3 * count  # each file's ids once, whatever the number of parts


ONE = """\
sources:
  - {{name: {name}, reader: braingridgame, uri: data, license: mit}}
annotators: {annotators}
"""


@pytest.mark.parametrize(
    ("name", "annotators", "tables"),
    [
        ("a", "[]", {"trajectories", "arc_steps", "tasks", "arc_transitions", "arc_sequences"}),
        (
            "a-b.c",
            "[arc.noop]",
            {"trajectories", "arc_steps", "tasks", "arc_transitions", "arc_sequences", "checks", "runs", "annotation_history"},
        ),
        (
            "train-x",
            "[robot.motion_segments, gui.state_change]",
            {"trajectories", "arc_steps", "tasks", "arc_transitions", "arc_sequences"},
        ),
    ],
)
def test_one_trajectory_with_an_odd_name(
    run_recipe: RunRecipe, tmp_path: Path, name: str, annotators: str, tables: set[str]
) -> None:
    (tmp_path / "data").mkdir()
    trace = next(iter(sorted((EXAMPLES / "data" / "arc").glob("*.json"))))
    (tmp_path / "data" / "my try-1.v2 – ünï.json").write_bytes(trace.read_bytes())
    release = run_recipe(ONE.format(name=name, annotators=annotators))

    assert {path.name for path in release.iterdir() if path.is_dir()} - {"assets"} == tables
    (row,) = pq.read_table(release / "trajectories" / "train-00000-of-00001.parquet").to_pylist()
    assert row["trajectory_id"] == f"{name}/my try-1.v2 – ünï"
    assert check_release(release) == []
    manifest = (tmp_path / "out" / "manifest.json").read_text()
    assert '"rejects": []' in manifest


def test_what_one_annotator_lacks_is_counted_under_its_own_name(run_recipe: RunRecipe, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for i, trace in enumerate(sorted((EXAMPLES / "data" / "web").glob("*.zip"))):
        (tmp_path / "data" / f"{i}.zip").write_bytes(trace.read_bytes())
    release = run_recipe(
        "sources: [{name: a.b-c, reader: playwright, uri: data, license: mit}]\nannotators: [gui.state_change, arc.noop]\n"
    )
    assert check_release(release) == []
    assert cairn("status", tmp_path / "recipe.yaml").returncode == 0
