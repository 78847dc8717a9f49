"""Every table, kind, history and view: written as a release writes it, read back as a consumer reads it."""

from __future__ import annotations

import datetime
import io
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from data_cards.render import CardFacts, ConfigFacts, render_card
from pipelines.io.parquet import write_parquet
from schemas.arrow import columns_of, published_schema, table_from_rows
from schemas.tables import KINDS, TABLES
from schemas.types import MEDIA, Column, parse_columns
from schemas.views import VIEWS

ROOT = Path(__file__).resolve().parents[2]
NATIVE = {"observation.force": "list<float32>", "source.step": "int64", "source.button": "bool"}
MORE_LABELS = parse_columns("progress float32\nobject_box list<float32>\nkey bool\ncontacts list<list<int32>>")

Row = dict[str, Any]
Splits = Mapping[str, Sequence[Sequence[Row]]]
"""Split → files → rows."""


@dataclass(frozen=True)
class Folder:
    """One folder of the release: its path, the table's name and columns, and its files."""

    path: str
    table: str
    columns: tuple[Column, ...]
    splits: Splits


def sample(type_: pa.DataType, how: str) -> Any:
    """A value of an Arrow type. how: null; full; empty: empty lists and texts; holes: nulls inside lists and structs."""
    if how == "null":
        return None
    if type_ == MEDIA:
        sink = io.BytesIO()
        Image.new("RGB", (4, 3), (7, 7, 7)).save(sink, "PNG")
        return {"bytes": sink.getvalue(), "path": None if how == "empty" else "ab12.png"}
    if isinstance(type_, pa.JsonType):
        return {"full": {"a": [1, None, "é"], "b": {"c": 0.1}, "d": 2**63}, "empty": {}, "holes": [None, []]}[how]
    if pa.types.is_list(type_):
        inner = type_.value_type
        return {"full": [sample(inner, "full")] * 2, "empty": [], "holes": [sample(inner, "holes"), None]}[how]
    if pa.types.is_struct(type_):
        below = {field.name: "null" if how == "holes" and not pa.types.is_nested(field.type) else how for field in type_}
        return {field.name: sample(field.type, below[field.name]) for field in type_}
    if pa.types.is_timestamp(type_):
        return datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
    if pa.types.is_string(type_):
        return "" if how == "empty" else "é 🪨\n\0"
    if pa.types.is_floating(type_):
        return -0.5 if how == "full" else 0.0
    return True if pa.types.is_boolean(type_) else 2 ** (type_.bit_width - 1) - 1


def rows(columns: Sequence[Column], owner: str, hows: Sequence[str], keyed: bool = True) -> list[Row]:
    """A row per word; keys (the first column, the trajectory and the step) are always there."""
    found = []
    for i, how in enumerate(hows):
        row = {column.name: sample(column.arrow, how) for column in columns}
        keys = {columns[0].name: f"{owner}/{i}", "trajectory_id": owner, "step": i} if keyed else {}
        found.append(row | {name: value for name, value in keys.items() if name in row})
    return found


NULLS = ("null", "null")
MIXED = ("null", "full", "empty", "holes", "full")


def folder(path: str, table: str, columns: tuple[Column, ...], splits: Sequence[str] = ("train", "test")) -> Folder:
    """The first training file is null in every column that is no key; so is the first row of every other file."""
    keyed = table != "robot_labels"
    files = {"train": [rows(columns, "a/0", NULLS, keyed), rows(columns, "a/1", MIXED, keyed)]}
    if "test" in splits:
        files["test"] = [rows(columns, "b/0", MIXED, keyed)]
    return Folder(path, table, columns, files)


def release() -> tuple[dict[str, Folder], dict[str, tuple[str, list[Folder]]]]:
    """Folders by path, and config → (glob, the folders it reads)."""
    folders = []
    for name in TABLES:
        folders.append(folder(name, name, columns_of(name, NATIVE if name == "robot_steps" else None)))
    folders.append(folder("annotation_history", "annotation_history", columns_of("annotation_history")))
    for view in VIEWS.values():
        folders.append(folder(view.name, view.name, view.columns + (MORE_LABELS if view.name == "robot_labels" else ())))
    for kind in KINDS:
        folders.append(folder(f"{kind}/one_{kind}_layer", kind, columns_of(kind)))
    folders += [folder(f"{kind}/other_{kind}_layer", kind, columns_of(kind), ("train",)) for kind in ("segments", "regions")]
    configs = {f.path.rsplit("/", 1)[-1]: (f.path, [f]) for f in folders}
    for kind in KINDS:
        configs[kind] = (f"{kind}/*", [f for f in folders if f.path.startswith(f"{kind}/")])
    return {f.path: f for f in folders}, configs


FOLDERS, CONFIGS = release()


def write_release(root: Path) -> None:
    """Files of two row groups each where there are rows enough, and the card."""
    for path, content in FOLDERS.items():
        (root / path).mkdir(parents=True)
        schema = published_schema(content.table, content.columns)
        for split, files in content.splits.items():
            for i, file in enumerate(files):
                table = table_from_rows(schema, file)
                groups = [part for part in (table.slice(0, 2), table.slice(2)) if part.num_rows]
                write_parquet(root / path / f"{split}-{i:05d}-of-{len(files):05d}.parquet", schema, groups, content.columns)
    facts = [ConfigFacts(name, glob, "", dict.fromkeys(_splits(name), 1), 1, 1) for name, (glob, _) in CONFIGS.items()]
    (root / "README.md").write_text(render_card(CardFacts("t", "mit", "1", ".", {}, 0, facts, [], [], [], {}, "")))


def _splits(config: str) -> list[str]:
    return sorted({split for f in CONFIGS[config][1] for split in f.splits}, reverse=True)


def expected(config: str, split: str) -> list[Row]:
    """The rows of a split, in order of file."""
    return [row for f in CONFIGS[config][1] for file in f.splits.get(split, ()) for row in file]


def features(config: str) -> dict[str, Any]:
    return {column.name: column.feature for column in CONFIGS[config][1][0].columns}


def narrow(config: str) -> dict[str, Any]:
    """Every second column, and the rows whose first column is that of the last row."""
    names = [column.name for column in CONFIGS[config][1][0].columns]
    value = expected(config, "train")[-1][names[0]]
    return {"columns": names[1::2] or names, "filters": [(names[0], "==", value)]}


def calls() -> dict[tuple[Any, ...], dict[str, Any]]:
    """Everything that is asked of `datasets`, by what the tests call it."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {("default",): {"config": None, "split": "train", "streaming": False}}
    for streaming in (False, True):
        for config in CONFIGS:
            for split in _splits(config):
                found["whole", config, split, streaming] = {"config": config, "split": split, "streaming": streaming}
            narrowed = narrow(config)
            one = {"config": config, "split": "train", "streaming": streaming}
            found["columns", config, streaming] = one | {"columns": narrowed["columns"]}
            found["filters", config, streaming] = one | {"filters": narrowed["filters"]}
            if config in ("robot_steps", "gui_steps", "segments"):
                found["both", config, streaming] = one | narrowed
        for split in ("train", "test"):
            joined = {"config": "robot_steps", "split": split, "streaming": streaming, "beside": "robot_labels"}
            found["joined", split, streaming] = joined
        shots = {"config": "gui_steps", "split": "train", "streaming": streaming, "columns": ["screenshot"], "decode": True}
        found["decoded", streaming] = shots
    return found


Answers = dict[tuple[Any, ...], tuple[dict[str, Any], list[Row]]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("release")
    write_release(root)
    return root


@pytest.fixture(scope="module")
def answers(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What `datasets` gave for each of `calls`, in a process of its own."""
    scratch = tmp_path_factory.mktemp("reader")
    asked = calls()
    (scratch / "calls").write_bytes(pickle.dumps(list(asked.values())))
    script = Path(__file__).with_name("load_configs.py")
    command = [sys.executable, script, written, scratch / "calls", scratch / "answers", scratch / "home"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(asked, pickle.loads((scratch / "answers").read_bytes()), strict=True))


MODES = pytest.mark.parametrize("streaming", [False, True], ids=["plain", "streaming"])
EVERY = pytest.mark.parametrize("config", CONFIGS)


@MODES
@EVERY
def test_a_config_loads_with_exactly_the_declared_features(answers: Answers, config: str, streaming: bool) -> None:
    for split in _splits(config):
        found = answers["whole", config, split, streaming][0]
        assert found == features(config)
        assert list(found) == [column.name for column in CONFIGS[config][1][0].columns]


@MODES
@EVERY
def test_a_config_gives_back_exactly_the_rows_that_were_written(answers: Answers, config: str, streaming: bool) -> None:
    for split in _splits(config):
        assert answers["whole", config, split, streaming][1] == expected(config, split)


@MODES
@EVERY
def test_a_config_can_be_projected_and_filtered(answers: Answers, config: str, streaming: bool) -> None:
    narrowed = narrow(config)
    ((key, _, value),) = narrowed["filters"]
    projected = [{name: row[name] for name in narrowed["columns"]} for row in expected(config, "train")]
    kept = [row for row in expected(config, "train") if row[key] == value]
    assert 0 < len(kept) < len(projected)
    assert answers["columns", config, streaming][1] == projected
    assert answers["columns", config, streaming][0] == {name: features(config)[name] for name in narrowed["columns"]}
    assert answers["filters", config, streaming][1] == kept


@MODES
@pytest.mark.parametrize("config", ["robot_steps", "gui_steps", "segments"])
def test_a_filter_works_on_a_column_that_is_not_asked_for(answers: Answers, config: str, streaming: bool) -> None:
    narrowed = narrow(config)
    ((key, _, value),) = narrowed["filters"]
    assert key not in narrowed["columns"]
    kept = [row for row in expected(config, "train") if row[key] == value]
    assert answers["both", config, streaming][1] == [{name: row[name] for name in narrowed["columns"]} for row in kept]


@MODES
@pytest.mark.parametrize("split", ["train", "test"])
def test_labels_stand_beside_steps_row_by_row(answers: Answers, split: str, streaming: bool) -> None:
    found, joined = answers["joined", split, streaming]
    assert found == features("robot_steps") | features("robot_labels")
    steps, labels = expected("robot_steps", split), expected("robot_labels", split)
    assert joined == [step | label for step, label in zip(steps, labels, strict=True)]


@MODES
def test_a_screenshot_decodes_and_an_absent_one_is_none(answers: Answers, streaming: bool) -> None:
    found = [row["screenshot"] for row in answers["decoded", streaming][1]]
    assert found == [None if row["screenshot"] is None else (4, 3) for row in expected("gui_steps", "train")]
    assert found.count(None) == len(NULLS) + 1


def test_the_default_config_is_the_one_of_trajectories(answers: Answers) -> None:
    assert answers[("default",)] == answers["whole", "trajectories", "train", False]


def test_no_row_of_the_first_file_has_more_than_its_keys() -> None:
    for content in FOLDERS.values():
        keys = {content.columns[0].name, "trajectory_id", "step"}
        assert all(value is None for row in content.splits["train"][0] for name, value in row.items() if name not in keys)


def test_every_column_is_seen_full_and_null_and_every_list_empty_and_with_a_null_in_it() -> None:
    for config in CONFIGS:
        for column in CONFIGS[config][1][0].columns:
            values = [row[column.name] for row in expected(config, "train")]
            keys = {CONFIGS[config][1][0].columns[0].name, "trajectory_id", "step"}
            assert any(value is None for value in values) or column.name in keys
            if pa.types.is_list(column.arrow):
                assert [] in values
                assert any(value is not None and None in value for value in values)


def test_each_shard_carries_its_types_and_features_also_where_a_column_is_all_null(written: Path) -> None:
    for path, content in FOLDERS.items():
        schema = published_schema(content.table, content.columns)
        for file in sorted((written / path).iterdir()):
            found = pq.read_schema(file)
            assert found.equals(schema), file
            assert found.metadata == schema.metadata, file


def test_the_same_rows_give_the_same_bytes(written: Path, tmp_path: Path) -> None:
    write_release(tmp_path / "again")
    files = sorted(p.relative_to(written) for p in written.rglob("*") if p.is_file())
    assert len(files) > len(FOLDERS)
    for file in files:
        assert (written / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file


def test_the_writer_refuses_a_table_of_another_schema(tmp_path: Path) -> None:
    columns = columns_of("tasks")
    schema = published_schema("tasks", columns)
    wrong = table_from_rows(schema, []).drop_columns(["extras"])
    with pytest.raises(TypeError, match=r"tasks\.parquet: a row group has the schema"):
        write_parquet(tmp_path / "tasks.parquet", schema, [wrong], columns)
