"""Whole runs over sources in which one thing is bad: it costs one reject, and everything else is in the release."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.io.store import Store
from pipelines.recipe import load_recipe
from pipelines.stages.ingest import Ingest
from tests.command import cairn

from .bad_inputs import BAD, DATA, puzzle
from .conftest import Workplace, place_in

NAMES = {
    b"\xff\xfe.json": r"\xff\xfe",
    b"\xff\xfd.json": r"\xff\xfd",
    b"a\nb.json": "a\nb",
    b"x, \"y\" and 'z'.json": "x, \"y\" and 'z'",
    b"a::b.json": "a::b",
    b"[a]*?.json": "[a]*?",
    b"#%20~ .json": "#%20~ ",
    "grün.json".encode(): "grün",
}
NOBODY = 65534


@dataclass(frozen=True)
class Run:
    """A finished run: its workplace, rejects and trajectories of the release by source, and everything of this machine."""

    place: Workplace
    rejects: dict[str, list[dict[str, Any]]]
    trajectories: dict[str, set[str]]
    private: tuple[str, ...]


def finished(place: Workplace, *private: Path) -> Run:
    rejects: dict[str, list[dict[str, Any]]] = {}
    trajectories: dict[str, set[str]] = {}
    for row in rows(place.release / "rejects"):
        rejects.setdefault(row["source_name"], []).append(row)
    for row in rows(place.release / "trajectories"):
        assert row["trajectory_id"] == f"{row['source_name']}/{row['native_id']}"
        trajectories.setdefault(row["source_name"], set()).add(row["native_id"])
    return Run(place, rejects, trajectories, tuple(str(path) for path in private))


def rows(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.parquet")):
        found += pq.read_table(path).to_pylist()
    return found


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run over all bad inputs, a source each, in a folder apart from the recipe's."""
    elsewhere, home = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("home")
    for name, bad in BAD.items():
        bad.spoil(elsewhere / name)
    sources = [{"name": name, "reader": bad.reader, "uri": str(elsewhere / name)} for name, bad in BAD.items()]
    place = place_in(home, sources, ["robot.motion_segments", "arc.noop"], max_reject_ratio=1.0)
    place.run()
    return finished(place, elsewhere, home)


@pytest.mark.parametrize("name", BAD)
def test_one_bad_thing_costs_one_reject_and_nothing_else(spoiled: Run, name: str) -> None:
    bad = BAD[name]
    (reject,) = spoiled.rejects.get(name, [])
    place = name if bad.place == "*" else bad.place
    assert (reject["code"], reject["source_uri"], reject["native_id"]) == (bad.code, place, bad.native_id), reject["message"]
    for part in bad.says:
        assert part in reject["message"]
    assert spoiled.trajectories.get(name, set()) == bad.good


def test_no_other_source_has_rejects(spoiled: Run) -> None:
    assert set(spoiled.rejects) == set(BAD)


def test_the_release_beside_the_rejects_is_sound(spoiled: Run) -> None:
    checked = cairn("check", spoiled.place.release)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "no violation" in checked.stdout


def test_nothing_in_a_release_holds_a_path_of_the_machine(spoiled: Run) -> None:
    looked_at = 0
    for path in spoiled.place.release.rglob("*"):
        if path.suffix == ".parquet":
            text = repr([column.to_pylist() for column in texts(pq.read_table(path))])
        elif path.is_file():
            text = path.read_bytes().decode("utf-8", errors="replace")  # pictures too
        else:
            continue
        looked_at += 1
        for private in spoiled.private:
            assert private not in text, path
    assert looked_at > 10


def texts(table: pa.Table) -> Iterator[pa.ChunkedArray]:
    """The columns of a table without media."""
    return (
        table[field.name]
        for field in table.schema
        if not (pa.types.is_struct(field.type) and field.type.get_field_index("bytes") == 0)
    )


def test_odd_names_are_kept_apart_and_printable(tmp_path: Path, workplace: Callable[..., Workplace]) -> None:
    folder = tmp_path / "odd [names]"
    folder.mkdir()
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(json.dumps(puzzle()))
    (tmp_path / "behind a link").mkdir()
    shutil.copy(DATA / "arc/cut_out_crop.json", tmp_path / "behind a link/inside.json")
    (folder / "linked").symlink_to("../behind a link")
    (folder / "link.json").symlink_to(DATA / "arc/cut_out_crop.json")
    whole = {"name": "whole", "reader": "braingridgame", "uri": "odd [names]"}
    one_glob = {"name": "glob", "reader": "braingridgame", "uri": "odd [[]names]/*.json"}
    place = workplace([whole, one_glob], ["arc.noop", "arc.replay"], max_reject_ratio=0.0)
    place.run()
    run = finished(place)
    assert run.rejects == {}
    assert run.trajectories["whole"] == {*NAMES.values(), "link", "linked/inside"}
    assert run.trajectories["glob"] == {*NAMES.values(), "link"}
    checked = cairn("check", place.release)
    assert checked.returncode == 0, checked.stdout


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder that an unprivileged user can reach; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="cairn-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_nobody(folder: Path) -> list[str]:
    """What puts a command under an unprivileged uid that owns the folder; nothing where we are one ourselves.

    Where nobody may not enter the home of this Python, a user namespace gives the uid and leaves the owner as he is.
    """
    if os.geteuid() != 0:
        return []
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    started_twice = [sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"]
    if subprocess.run([*drop, *started_twice], capture_output=True, check=False).returncode != 0:
        return ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    return drop


def test_what_may_not_be_read_costs_one_reject_each(nobodys_folder: Path) -> None:
    for name in ("file", "folder", "listed", "entered", "root", "above", "video"):
        (nobodys_folder / name).mkdir()
        if name != "video":
            shutil.copy(DATA / "arc/mirror_straight.json", nobodys_folder / name / "good.json")
            (nobodys_folder / name / "below").mkdir()
            shutil.copy(DATA / "arc/mirror_straight.json", nobodys_folder / name / "below/bad.json")
    shutil.copytree(DATA / "lift", nobodys_folder / "video", dirs_exist_ok=True)
    camera = nobodys_folder / "video/videos/chunk-000/observation.images.agentview"
    closed = {
        nobodys_folder / "file/below/bad.json": 0o000,
        nobodys_folder / "folder/below": 0o000,
        nobodys_folder / "listed/below": 0o444,
        nobodys_folder / "entered/below": 0o111,
        nobodys_folder / "root": 0o000,
        nobodys_folder / "above": 0o000,
        camera / "episode_000001.mp4": 0o000,
    }
    readers = {"video": "lerobot"}
    uris = {"above": "above/below"}
    names = ("file", "folder", "listed", "entered", "root", "above", "video")
    sources = [{"name": n, "reader": readers.get(n, "braingridgame"), "uri": uris.get(n, n)} for n in names]
    place = place_in(nobodys_folder, sources, max_reject_ratio=1.0)
    for path, mode in closed.items():
        path.chmod(mode)
    try:
        command = [*as_nobody(nobodys_folder), *place.command("run")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    finally:
        for path in closed:
            path.chmod(0o755)
    assert done.returncode == 0, done.stdout + done.stderr
    run = finished(place)
    said = {name: [(r["code"], r["source_uri"], r["native_id"]) for r in found] for name, found in run.rejects.items()}
    assert said == {
        "file": [("file_unreadable", "below/bad.json", "below/bad")],
        "folder": [("folder_unreadable", "below", None)],
        "listed": [("file_unreadable", "below/bad.json", "below/bad")],
        "entered": [("folder_unreadable", "below", None)],
        "root": [("source_unreadable", "root", None)],
        "above": [("source_unreadable", "below", None)],
        "video": [("file_unreadable", "data/chunk-000/episode_000001.parquet", "episode_000001")],
    }
    assert "chmod it, or run as its owner" in run.rejects["file"][0]["message"]
    assert "episode_000001.mp4 may not be read" in run.rejects["video"][0]["message"]
    assert "give this user the right" in run.rejects["folder"][0]["message"]
    good = {"file": {"good"}, "folder": {"good"}, "listed": {"good"}, "entered": {"good"}, "video": {"episode_000000"}}
    assert run.trajectories == good


def test_two_sources_of_one_name_are_a_fault_of_the_recipe(workplace: Callable[..., Workplace]) -> None:
    source = {"name": "puzzles", "reader": "braingridgame", "uri": str(DATA / "arc")}
    place = workplace([source, source])
    done = place.cairn("run")
    assert done.returncode == 2
    assert "'puzzles' is named twice; give each a name of its own" in done.stderr
    assert "recipe.yaml:" in done.stderr
    assert not place.workspace.exists()


def test_a_file_that_vanishes_between_plan_and_read_costs_one_reject(tmp_path: Path) -> None:
    shutil.copytree(DATA / "arc", tmp_path / "arc")
    place = place_in(tmp_path, [{"name": "puzzles", "reader": "braingridgame", "uri": "arc"}])
    recipe = load_recipe(place.recipe)
    job = Ingest(recipe, Store(recipe.workspace_uri))
    (key,) = job.plan().keys
    (tmp_path / "arc/mirror_straight.json").unlink()
    outcome = job.write(job.check(job.work(job.read(key))))
    (reject,) = outcome.rejects
    assert (reject.stage, reject.source_uri, reject.native_id, reject.code) == (
        "read", "mirror_straight.json", "mirror_straight", "file_gone",
    )  # fmt: skip
    assert reject.message == "mirror_straight.json was listed and is gone: run again to plan anew"
    assert outcome.counts["trajectories"] == len(list((DATA / "arc").glob("*.json"))) - 1


def test_too_many_rejects_make_no_release_until_the_recording_is_mended(
    tmp_path: Path, workplace: Callable[..., Workplace]
) -> None:
    (tmp_path / "arc").mkdir()
    traces = sorted((DATA / "arc").glob("*.json"))[:3]
    for trace in traces:
        shutil.copy(trace, tmp_path / "arc")
    (tmp_path / "arc" / traces[1].name).write_text("{")
    place = workplace([{"name": "puzzles", "reader": "braingridgame", "uri": "arc"}], ["arc.noop"], shards={"steps": 1})
    refused = place.cairn("run")
    assert refused.returncode == 1
    assert "no release: source 'puzzles': 1 of 3 were rejected (json_invalid 1), above 0.05" in refused.stderr
    assert "Mend the recordings, or raise max_reject_ratio" in refused.stderr
    assert not place.release.exists()
    assert len(list(place.workspace.glob("outcomes/ingest/*.json"))) == 3
    shown = place.cairn("status")
    assert (shown.returncode, "json_invalid" in shown.stdout) == (0, True)

    shutil.copy(traces[1], tmp_path / "arc")
    said = place.run()
    assert {native for found in finished(place).trajectories.values() for native in found} == {t.stem for t in traces}
    assert finished(place).rejects == {}
    assert built(said, "ingest") == 1
    assert built(said, "propose") == 1


def built(said: str, job: str) -> int:
    """The column `built now` of a job in what `cairn run` prints."""
    row = next(line for line in said.splitlines() if line.startswith(f"│ {job}"))
    return int(row.split("│")[3])


def test_a_source_whose_trajectories_are_all_bad_makes_no_release(tmp_path: Path, workplace: Callable[..., Workplace]) -> None:
    (tmp_path / "arc").mkdir()
    (tmp_path / "arc/bad.json").write_text("{")
    place = workplace([{"name": "puzzles", "reader": "braingridgame", "uri": "arc"}], max_reject_ratio=1.0)
    done = place.cairn("run")
    assert done.returncode == 1
    assert "no release: not one trajectory was taken; `cairn status` lists the rejects" in done.stderr
