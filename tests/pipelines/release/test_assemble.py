"""What stands around the tables: the card, the manifest, and nothing of this machine."""

from __future__ import annotations

import getpass
import hashlib
import platform
import shutil
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from data_cards.render import CardFacts, ConfigFacts, front_matter, render_card
from pipelines.release.assemble import published_files
from pipelines.release.check import check_release
from pipelines.release.products import UNSPLIT, products
from pipelines.shard import FileRecord, Outcome
from schemas.tables import KINDS
from tests.command import cairn
from tests.finished_runs import EXAMPLES

RunRecipe = Callable[[str], Path]


def card(release: Path) -> tuple[dict[str, Any], str]:
    _, header, page = (release / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(header), page


def files(release: Path) -> list[str]:
    return sorted(path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file())


def texts(value: Any) -> Iterator[str]:
    """All texts in a value of a table."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for child in value.values():
            yield from texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from texts(child)


def all_texts(release: Path) -> Iterator[tuple[str, str]]:
    """(file, text) of the card and of every text in every table, column names and metadata included."""
    yield "README.md", (release / "README.md").read_text()
    for path in release.rglob("*.parquet"):
        table = pq.read_table(path)
        name = path.relative_to(release).as_posix()
        yield name, str(table.schema.metadata)
        for column in table.columns:
            if not pa.types.is_struct(column.type):
                yield from ((name, text) for text in texts(column.to_pylist()))


def test_the_card_lists_each_config_with_the_splits_that_have_files(quickstart: Path) -> None:
    release = quickstart / "release"
    header, _ = card(release)
    names = [config["config_name"] for config in header["configs"]]
    assert len(names) == len(set(names))
    assert names[0] == "trajectories"
    assert [config["config_name"] for config in header["configs"] if config.get("default")] == ["trajectories"]
    parquet = [name for name in files(release) if name.endswith(".parquet")]
    read = set()
    for config in header["configs"]:
        for entry in config["data_files"]:
            found = {name for name in parquet if fnmatch(name, entry["path"])}
            assert found, entry
            assert all(Path(name).name.startswith(f"{entry['split']}-") for name in found)
            read |= found
    assert read == set(parquet)


def test_the_card_says_what_is_there_and_what_is_absent(quickstart: Path) -> None:
    header, page = card(quickstart / "release")
    assert (header["license"], header["pretty_name"]) == ("cc-by-4.0", "quickstart")
    present = {config["config_name"] for config in header["configs"]}
    for name in present:
        assert f'load_dataset("out/quickstart/release", "{name}")' in page
    (line,) = [line for line in page.splitlines() if line.startswith("Without rows, so without a config: ")]
    absent = set(line.removeprefix("Without rows, so without a config: ").rstrip(".").split(", "))
    declared = {*(product.name.rsplit("/", 1)[-1] for product in products({})), *UNSPLIT, *KINDS}
    assert absent == declared - present
    assert {"rejects", "images", "traces"} <= absent


def test_the_numbers_of_the_card_are_those_of_the_tables(quickstart: Path) -> None:
    release = quickstart / "release"
    _, page = card(release)
    for folder in ("trajectories", "robot_steps", "arc_steps"):
        rows = sum(pq.read_metadata(path).num_rows for path in (release / folder).glob("*.parquet"))
        assert f"| {folder} | {rows} |" in page
    rows = sum(pq.read_metadata(path).num_rows for path in (release / "segments" / "motion").glob("*.parquet"))
    assert f"| motion | segments | {rows} |" in page


def test_the_manifest_names_every_file_with_its_digest(quickstart: Path) -> None:
    release = quickstart / "release"
    lines = dict(line.split("  ", 1)[::-1] for line in (release / "MANIFEST.sha256").read_text().splitlines())
    assert sorted([*lines, "MANIFEST.sha256"]) == files(release)
    assert all(hashlib.sha256((release / name).read_bytes()).hexdigest() == digest for name, digest in lines.items())


def test_no_text_of_a_release_names_this_machine(quickstart: Path) -> None:
    private = [str(quickstart.parents[1]), str(Path.home()), str(EXAMPLES.parent), platform.node()]
    if getpass.getuser() != "root":
        private.append(f"/{getpass.getuser()}/")
    seen = 0
    for name, text in all_texts(quickstart / "release"):
        seen += 1
        assert not any(path in text for path in private if len(path) > 5), f"{name}: {text[:200]}"
    assert seen > 1000


def test_rejects_name_no_folder_of_this_machine(run_recipe: RunRecipe, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "private data"
    shutil.copytree(EXAMPLES / "data" / "arc", elsewhere / "arc")
    (elsewhere / "arc" / "broken.json").write_text("{")
    (elsewhere / "arc" / "empty.json").write_text("")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "broken.zip").write_text("x")
    release = run_recipe(
        "max_reject_ratio: 1\nsources:\n"
        f"  - {{name: a, reader: braingridgame, uri: '{elsewhere}/arc', license: mit}}\n"
        f"  - {{name: b, reader: lerobot, uri: '{elsewhere}/nowhere', license: mit}}\n"
        f"  - {{name: c, reader: lerobot, uri: 'file://{elsewhere}/arc', license: mit}}\n"
        "  - {name: d, reader: playwright, uri: 'own/*.zip', license: mit}\n"
        "  - {name: e, reader: playwright, uri: nowhere, license: mit}\n"
        "annotators: [arc.noop]\n"
    )
    rejects = pq.read_table(release / "rejects" / "train-00000-of-00001.parquet").to_pylist()
    assert {row["source_name"] for row in rejects} == {"a", "b", "c", "d", "e"}
    assert all(row["message"] and row["source_uri"] for row in rejects)
    for name, text in all_texts(release):
        assert str(tmp_path) not in text, f"{name}: {text[:300]}"
    assert check_release(release) == []
    header, page = card(release)
    assert "rejects" in {config["config_name"] for config in header["configs"]}
    assert "rejects" not in page.split("Without rows, so without a config:")[1].splitlines()[0].split(", ")


@pytest.mark.parametrize("workspace", ["{}/ws", "file://{}/ws"])
def test_an_absolute_workspace_is_not_named_on_the_card(tmp_path: Path, workspace: str) -> None:
    shutil.copytree(EXAMPLES / "data" / "arc", tmp_path / "arc")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: t\nlicense: mit\nworkspace: {workspace.format(tmp_path)}\n"
        "sources: [{name: a, reader: braingridgame, uri: arc, license: mit}]\n"
    )
    done = cairn("run", recipe)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "ws" / "release" / "README.md").read_text()
    assert str(tmp_path) not in page
    assert 'load_dataset("path/to/release", "arc_steps")' in page


def test_a_release_that_was_edited_by_hand_is_mended_by_the_next_run(run_recipe: RunRecipe, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "data" / "arc", tmp_path / "arc")
    text = "sources: [{name: a, reader: braingridgame, uri: arc, license: mit}]\n"
    release = run_recipe(text)
    before = {name: (release / name).read_bytes() for name in files(release)}
    (release / "README.md").unlink()
    (release / "arc_steps" / "train-00000-of-00001.parquet").unlink()
    (release / "arc_steps" / "train-00000-of-00001.parquet").write_text("mine")
    (release / "note.txt").write_text("mine")
    assert run_recipe(text) == release
    assert {name: (release / name).read_bytes() for name in files(release)} == before


def released(product: str, split: str, name: str) -> Outcome:
    record = FileRecord(f"parts/{name}", 1, 1, 1, name)
    return Outcome(name, "f", {product: record}, facts={"product": product, "split": split})


def test_published_names_count_the_parts_of_a_split_in_the_order_of_the_plan() -> None:
    outcomes = [released("segments/motion", "test", "b"), released("segments/motion", "train", "z"),
                released("segments/motion", "train", "a"), Outcome("none", "f", {}, facts={"product": "x", "split": "train"})]  # fmt: skip
    assert {name: record.sha256 for name, record in published_files(outcomes).items()} == {
        "segments/motion/test-00000-of-00001.parquet": "b",
        "segments/motion/train-00000-of-00002.parquet": "z",
        "segments/motion/train-00001-of-00002.parquet": "a",
    }
    assert published_files([]) == {}


def facts(**changes: Any) -> CardFacts:
    values: dict[str, Any] = {
        "name": "t", "license": "mit", "version": "0.1.0", "place": "o/n", "domains": {"arc": 1}, "steps": 3,
        "configs": [ConfigFacts("trajectories", "trajectories", "a | b\nc", {"test": 1}, 1, 10)], "absent": [], "layers": [],
        "sources": [], "splits": {"test": 1}, "dealt_by": "task (arc)",
    }  # fmt: skip
    return CardFacts(**values | changes)


def test_a_card_of_almost_nothing_is_a_card() -> None:
    text = render_card(facts())
    header = yaml.safe_load(text.split("---\n")[1])
    assert header == front_matter(facts())
    assert header["configs"] == [
        {
            "config_name": "trajectories",
            "default": True,
            "data_files": [{"split": "test", "path": "trajectories/test-*.parquet"}],
        }
    ]
    assert "No annotations." in text
    assert "Without rows" not in text
    assert "a \\| b c" in text


@pytest.mark.parametrize("value", ["yes", "a: b", "'quoted\"", "null", "ünï – 1", "- x", "#"])
def test_odd_texts_do_not_break_the_cards_yaml(value: str) -> None:
    header = yaml.safe_load(render_card(facts(license=value, name=value)).split("---\n")[1])
    assert (header["license"], header["pretty_name"]) == (value, value)


@pytest.mark.parametrize(("rows", "size"), [(1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M")])
def test_the_size_category_is_of_the_trajectories(rows: int, size: str) -> None:
    assert front_matter(facts(splits={"train": rows}))["size_categories"] == [size]
