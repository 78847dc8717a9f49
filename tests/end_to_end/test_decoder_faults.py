"""Decoders that crash, hang, are killed or raise cost one trajectory; all others go on. In ingest and in propose."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import annotators.arc
import pipelines.sources
from annotators.protocol import annotator_names
from pipelines.engine import supervise
from pipelines.engine.job import Job, finished, read_table
from pipelines.engine.launch import Launch, run_chain
from pipelines.io.store import Store
from pipelines.recipe import load_recipe
from pipelines.shard import Outcome
from pipelines.sources import reader_names
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose

from .conftest import Workplace, place_in

FAULTS = '''
"""A decoder that does what a file tells it: `crash`, `hang`, `killed`, `raise`, or its work."""

import ctypes, os, signal, time
from dataclasses import dataclass

from annotators.annotation import Annotation
from annotators.protocol import Requires
from pipelines.io.files import list_files
from pipelines.shard import Ref
from pipelines.sources import Options, Trajectory


def suffer(what):
    if what == "crash":
        ctypes.string_at(0)
    if what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hang":
        time.sleep(3600)
    if what == "raise":
        raise ZeroDivisionError("a pixel of no width")


class Faulty:
    version, native, options = "1", True, Options

    def plan(self, source):
        for file in list_files(source.uri):
            yield Ref(file.name, (file,), steps=1)

    def native_columns(self, source):
        return {}

    def read(self, source, ref, files, media):
        what = files.only.read_text()
        media.add(what.encode() * 1000, ".txt")
        if not what.startswith("annotator "):
            suffer(what)
        kept = media.add(ref.native_id.encode(), ".txt")
        step = {"step": 0, "action_name": "draw", "action_args": {"sha256": kept}, "source_action": {"what": what}}
        yield Trajectory(ref.native_id, {"domain": "arc"}, {"arc_steps": [step]})


@dataclass(frozen=True)
class FaultyAnnotator:
    name, version, producer_type, emits, deterministic = "arc.faulty", "1", "signal", ("noop",), True
    requires = Requires("arc", frames=True)

    def propose(self, trajectory):
        import json

        what = json.loads(trajectory.steps["source_action"][0].as_py())["what"]
        suffer(what.removeprefix("annotator "))
        yield Annotation("caption", {"channel": "label", "steps": [0], "texts": [what]}, 0, 1)
'''
"""Stands in a module that the decode child finds by sys.path, which multiprocessing hands to it."""


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of five recordings; the reader `faulty` and the annotator `arc.faulty` can be named in recipes."""
    code, readers, of_arc = (tmp_path / name for name in ("code", "readers", "of_arc"))
    for folder in (code, readers, of_arc):
        folder.mkdir()
    (code / "cairn_test_faults.py").write_text(FAULTS)
    (readers / "faulty.py").write_text("from cairn_test_faults import Faulty\n\nREADER = Faulty\n")
    (of_arc / "faulty.py").write_text("from cairn_test_faults import FaultyAnnotator\n\nANNOTATOR = FaultyAnnotator()\n")
    monkeypatch.syspath_prepend(str(code))
    monkeypatch.setattr(pipelines.sources, "__path__", [*pipelines.sources.__path__, str(readers)])
    monkeypatch.setattr(annotators.arc, "__path__", [*annotators.arc.__path__, str(of_arc)])
    importlib.invalidate_caches()
    supervise._stop()  # a child of another test has another sys.path
    yield tmp_path
    supervise._stop()
    for name in ("cairn_test_faults", "pipelines.sources.faulty", "annotators.arc.faulty"):
        sys.modules.pop(name, None)


def place_with(folder: Path, **recordings: str) -> Workplace:
    (folder / "in").mkdir()
    for name, what in recordings.items():
        (folder / "in" / name).write_text(what)
    assert "faulty" in reader_names()
    assert "arc.faulty" in annotator_names()
    return place_in(folder, [{"name": "s", "reader": "faulty", "uri": "in"}], ["arc.faulty"])


def run(job: Job) -> Outcome:
    """Run the whole chain in this process, as the process that `cairn` starts does; one shard."""
    (key,) = job.plan().keys
    run_chain(Launch(job, (key,), ()))
    outcome = finished(job.store, job.name, key, job.store.sizes(job.folder))
    assert outcome is not None
    return outcome


def taken(store: Store, outcome: Outcome, table: str) -> list[str]:
    ids: list[str] = read_table(store, outcome.files[table].path)["trajectory_id"].to_pylist()
    return sorted(ids)


def jobs(place: Workplace) -> tuple[Ingest, Propose]:
    recipe = load_recipe(place.recipe)
    store = Store(recipe.workspace_uri)
    return Ingest(recipe, store), Propose(recipe, store)


@pytest.mark.parametrize(
    ("what", "code", "says"),
    [
        ("crash", "decode_died", "the decoding process died (exit code -11)"),
        ("killed", "decode_died", "the decoding process died (exit code -9)"),
        ("raise", "reader_failed", "the reader stopped with ZeroDivisionError: a pixel of no width"),
    ],
)
def test_a_reader_that_dies_or_raises_costs_its_trajectory(faulty: Path, what: str, code: str, says: str) -> None:
    ingest, _ = jobs(place_with(faulty, a="fine", b=what, c="fine too", d=what, e="fine"))
    outcome = run(ingest)
    assert [(r.stage, r.source_uri, r.native_id, r.code) for r in outcome.rejects] == [
        ("read", "b", "b", code),
        ("read", "d", "d", code),
    ]
    assert all(says in reject.message for reject in outcome.rejects)
    assert taken(ingest.store, outcome, "trajectories") == ["s/a", "s/c", "s/e"]


def test_a_reader_that_hangs_costs_its_trajectory(faulty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "PATIENCE_SECONDS", 3.0)
    ingest, _ = jobs(place_with(faulty, a="fine", b="hang", c="fine too"))
    outcome = run(ingest)
    (reject,) = outcome.rejects
    assert (reject.native_id, reject.code) == ("b", "decode_hung")
    assert "no result within 3 s; the recording is damaged, or patience is too short" in reject.message
    assert taken(ingest.store, outcome, "trajectories") == ["s/a", "s/c"]


def test_media_around_a_crash_are_whole(faulty: Path) -> None:
    ingest, _ = jobs(place_with(faulty, a="fine", b="crash", c="fine too", d="crash"))
    outcome = run(ingest)
    index = read_table(ingest.store, outcome.files["media"].path).to_pylist()
    found = set()
    for row in index:
        data = ingest.store.read_bytes(f"ingest/{row['file']}")[row["offset"] : row["offset"] + row["length"]]
        found.add(data)
    assert found == {b"fine" * 1000, b"fine too" * 1000, b"a", b"c"}
    (pack,) = {row["file"] for row in index}
    assert ingest.store.size(f"ingest/{pack}") == sum(row["length"] for row in index)


@pytest.mark.parametrize(
    ("what", "code", "says"),
    [
        ("crash", "decode_died", "arc.faulty on s/b: the decoding process died (exit code -11)"),
        ("killed", "decode_died", "arc.faulty on s/b: the decoding process died (exit code -9)"),
        ("raise", "annotator_failed", "arc.faulty on s/b stopped with ZeroDivisionError: a pixel of no width"),
    ],
)
def test_an_annotator_that_dies_or_raises_costs_its_trajectory(faulty: Path, what: str, code: str, says: str) -> None:
    ingest, propose = jobs(place_with(faulty, a="annotator fine", b=f"annotator {what}", c="annotator fine"))
    assert not run(ingest).rejects
    outcome = run(propose)
    (reject,) = outcome.rejects
    assert (reject.stage, reject.source_name, reject.source_uri, reject.native_id, reject.code) == (
        "propose",
        "s",
        "b",
        "b",
        code,
    )
    assert says in reject.message
    assert taken(propose.store, outcome, "texts") == ["s/a", "s/c"]
    assert outcome.counts["proposed_for"] == 2


def test_an_annotator_that_hangs_costs_its_trajectory(faulty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest, propose = jobs(place_with(faulty, a="annotator fine", b="annotator hang", c="annotator fine"))
    assert not run(ingest).rejects
    monkeypatch.setattr(supervise, "PATIENCE_SECONDS", 3.0)
    outcome = run(propose)
    (reject,) = outcome.rejects
    assert (reject.native_id, reject.code) == ("b", "decode_hung")
    assert "arc.faulty on s/b: no result within 3 s" in reject.message
    assert taken(propose.store, outcome, "texts") == ["s/a", "s/c"]


def test_a_fault_that_is_gone_is_gone_from_the_next_run(faulty: Path) -> None:
    place = place_with(faulty, a="fine", b="crash")
    ingest, _ = jobs(place)
    assert [reject.code for reject in run(ingest).rejects] == ["decode_died"]
    (faulty / "in/b").write_text("mended")
    outcome = run(ingest)
    assert outcome.rejects == ()
    assert taken(ingest.store, outcome, "trajectories") == ["s/a", "s/b"]
