"""The `cairn` command as a person meets it: help, exit codes, and sentences that say what to do next."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from schemas.layers import layers
from tests import command

ARC = Path(__file__).resolve().parents[2] / "examples/data/arc"
CAIRN = Path(sys.executable).parent / "cairn"
PURPOSES = {
    "run": "Do everything: ingest, propose, release",
    "ingest": "Read all sources into the workspace",
    "propose": "Ask all annotators of the recipe",
    "release": "Build the release from what was ingested and proposed",
    "check": "Validate a release",
    "status": "Say what is finished, what is missing, and what was rejected",
    "layers": "List the declared layers",
    "view": "Look at one trajectory, or one ARC task",
    "export": "Write a release in another format",
}


def cairn(folder: Path, *arguments: str, columns: int = 250) -> subprocess.CompletedProcess[str]:
    return command.cairn(*arguments, folder=folder, columns=columns)


def installed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same by the program that pip installs, in a process of its own."""
    environment = os.environ | {"COLUMNS": "250"}
    return subprocess.run(
        [CAIRN, *arguments], cwd=folder, capture_output=True, text=True, env=environment, timeout=200, check=False
    )


def write_recipe(folder: Path, **changes: Any) -> None:
    """Two good puzzles and a bad one, as `recipe.yaml` beside them."""
    (folder / "arc").mkdir()
    for name in ("mirror_straight.json", "cut_out_crop.json"):
        shutil.copy(ARC / name, folder / "arc")
    (folder / "arc/bad.json").write_text("{")
    source = {"name": "puzzles", "reader": "braingridgame", "uri": "arc", "license": "cc0-1.0"}
    recipe = {"name": "small", "license": "cc0-1.0", "workspace": "out", "sources": [source], "annotators": ["arc.noop"]}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"max_reject_ratio": 0.5} | changes))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_recipe(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run; nobody may change it."""
    folder = tmp_path_factory.mktemp("released")
    write_recipe(folder)
    done = cairn(folder, "run", "recipe.yaml")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copied(released: Path, tmp_path: Path) -> Path:
    """A copy of the release that may be damaged."""
    target = tmp_path / "copy"
    shutil.copytree(released / "out/release", target)
    for path in target.rglob("*"):
        path.chmod(0o755)
    return target


def in_words(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


def test_help_lists_every_command_with_its_purpose(tmp_path: Path) -> None:
    done = installed(tmp_path, "--help")
    assert done.returncode == 0
    for verb, purpose in PURPOSES.items():
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"│ {verb} ")]
        assert purpose in line


@pytest.mark.parametrize("verb", PURPOSES)
def test_help_of_a_command_says_what_it_does(tmp_path: Path, verb: str) -> None:
    done = cairn(tmp_path, verb, "--help")
    assert done.returncode == 0
    assert PURPOSES[verb] in done.stdout
    assert ("direct_num_workers" in done.stdout) == (verb in ("run", "ingest", "propose", "release"))


def test_no_command_shows_the_help_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    assert PURPOSES["run"] in cairn(tmp_path).stdout
    wrong = installed(tmp_path, "ingets")
    assert wrong.returncode == 2
    assert "No such command 'ingets'" in in_words(wrong)


@pytest.mark.parametrize("verb", ["run", "ingest", "propose", "release", "status", "layers"])
def test_a_recipe_that_is_not_there_is_a_fault_of_usage(tmp_path: Path, verb: str) -> None:
    start = installed if verb == "run" else cairn
    done = start(tmp_path, verb, "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml cannot be read (No such file or directory); give the path of a recipe file" in in_words(done)
    assert "Traceback" not in done.stderr


def test_status_before_any_run_says_what_is_missing_and_makes_nothing(place: Path) -> None:
    before = sorted(place.rglob("*"))
    done = cairn(place, "status", "recipe.yaml")
    assert done.returncode == 0
    assert "release: none yet" in done.stdout
    assert "shards not built, or of inputs that have changed: ingest 1" in done.stdout
    assert "cairn run recipe.yaml" in done.stdout
    assert sorted(place.rglob("*")) == before


def test_status_after_a_run_shows_rows_rejects_and_the_release(released: Path) -> None:
    done = cairn(released, "status", "recipe.yaml")
    assert done.returncode == 0
    words = in_words(done)
    assert "trajectories 2" in words
    assert "bad.json: the file is no JSON" in words
    assert "release: out/release" in words
    assert "build what is missing" not in words


@pytest.mark.parametrize("columns", [80, 250])
def test_codes_and_places_of_rejects_can_be_read_on_any_terminal(released: Path, columns: int) -> None:
    done = cairn(released, "status", "recipe.yaml", columns=columns)
    row = next(line for line in done.stdout.splitlines() if line.startswith("│ puzzles"))
    assert [cell.strip() for cell in row.split("│")[1:4]] == ["puzzles", "json_invalid", "1"]


def test_status_sees_that_an_input_has_changed(place: Path) -> None:
    assert cairn(place, "run", "recipe.yaml").returncode == 0
    shutil.copy(ARC / "mirror_straight.json", place / "arc/bad.json")
    done = cairn(place, "status", "recipe.yaml")
    assert "shards not built, or of inputs that have changed: ingest 1" in done.stdout
    refused = cairn(place, "release", "recipe.yaml")
    assert refused.returncode == 2
    assert "run `cairn ingest` first" in in_words(refused)


def test_each_job_says_which_one_comes_first_and_together_they_make_what_run_makes(place: Path, released: Path) -> None:
    for verb in ("propose", "release"):
        early = cairn(place, verb, "recipe.yaml")
        assert early.returncode == 2
        assert "ingest is not finished" in in_words(early)
        assert "run `cairn ingest` first, or `cairn run`, which does everything" in in_words(early)
    assert cairn(place, "ingest", "recipe.yaml").returncode == 0
    early = cairn(place, "release", "recipe.yaml")
    assert early.returncode == 2
    assert "propose is not finished" in in_words(early)
    assert not (place / "out/release").exists()
    assert cairn(place, "propose", "recipe.yaml").returncode == 0
    done = cairn(place, "release", "recipe.yaml")
    assert done.returncode == 0
    assert 'load_dataset("out/release", "noop", split="train")' in done.stdout
    one, other = (folder / "out/release/MANIFEST.sha256" for folder in (place, released))
    assert one.read_text() == other.read_text()


def test_too_many_rejects_exit_with_1(place: Path) -> None:
    recipe = yaml.safe_load((place / "recipe.yaml").read_text()) | {"max_reject_ratio": 0.1}
    (place / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = installed(place, "run", "recipe.yaml")
    assert done.returncode == 1
    assert "source 'puzzles': 1 of 3 were rejected (json_invalid 1), above 0.1" in in_words(done)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--nope=1", "--nope is no option of Apache Beam"),
        ("nope", "'nope' is no option"),
        ("--runner=DirectRunner", "--runner=DirectRunner is refused"),
    ],
)
def test_an_option_that_beam_does_not_know_is_a_fault_of_usage(place: Path, option: str, says: str) -> None:
    done = cairn(place, "run", "recipe.yaml", "--", option)
    assert done.returncode == 2
    assert says in in_words(done)
    assert not (place / "out").exists()


def test_layers_are_listed_with_their_meaning_and_words(tmp_path: Path) -> None:
    done = cairn(tmp_path, "layers")
    assert done.returncode == 0
    words = in_words(done)
    for layer in layers().values():
        assert layer.name in words
        assert layer.kind in words


def test_layers_of_a_recipe_are_those_of_its_annotators(place: Path) -> None:
    done = cairn(place, "layers", "recipe.yaml")
    assert done.returncode == 0
    assert "│ noop" in done.stdout
    assert "│ motion" not in done.stdout


def test_check_of_no_release_is_a_fault_of_usage(tmp_path: Path) -> None:
    missing = cairn(tmp_path, "check", "nowhere")
    assert missing.returncode == 2
    assert "nowhere is no folder; give the folder of a release" in in_words(missing)
    empty = cairn(tmp_path, "check", ".")
    assert empty.returncode == 2
    assert "holds no Parquet file" in in_words(empty)


def test_check_of_a_sound_release(released: Path) -> None:
    done = cairn(released, "check", "out/release")
    assert done.returncode == 0
    assert done.stdout.strip() == "out/release: no violation"


def test_check_prints_a_folder_with_brackets_as_it_is(copied: Path) -> None:
    odd = copied.rename(copied.parent / "[red] release")
    assert cairn(odd.parent, "check", odd.name).stdout.strip() == "[red] release: no violation"


def test_check_of_a_broken_release_lists_what_is_wrong(copied: Path) -> None:
    (steps,) = (copied / "arc_steps").glob("*.parquet")
    pq.write_table(pq.read_table(steps).slice(1), steps)
    (copied / "MANIFEST.sha256").write_text((copied / "MANIFEST.sha256").read_text() + "0" * 64 + "  gone.parquet\n")
    done = cairn(copied.parent, "check", copied.name)
    assert done.returncode == 1
    words = in_words(done)
    for part in (f"arc_steps/{steps.name}", "checksum", "steps_miscounted", "gone.parquet", "file_missing"):
        assert part in words
    assert done.stdout.strip().endswith("violations")


def test_check_counts_one_violation_in_words(copied: Path) -> None:
    (copied / "MANIFEST.sha256").unlink()
    done = cairn(copied.parent, "check", copied.name)
    assert done.returncode == 1
    assert "manifest_missing" in done.stdout
    assert done.stdout.strip().endswith("\n1 violation")
