"""A workspace under review for tests: what was shown, and what the review made of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from annotators.annotation import Annotation, Producer, annotation_tables
from annotators.label_studio.ledger import Ledger
from annotators.label_studio.project import ReviewTask
from pipelines.engine.job import put_outcome, put_table, read_outcome, read_table
from pipelines.io.store import Store
from pipelines.recipe import Recipe, load_recipe
from pipelines.review.rows import reviewed_outcomes
from pipelines.review.session import SALT, Resolution, ReviewSession
from pipelines.review.workspace import reviewable
from pipelines.shard import Outcome
from schemas.tables import KINDS
from tests.end_to_end.conftest import ROOT, Workplace, place_in
from tests.end_to_end.review_page import Effort

Row = dict[str, Any]

AGENTVIEW = "observation.images.agentview"
SEEDS = [
    {"stream": AGENTVIEW, "frame": 35, "label": "gripper", "box": [126, 90, 174, 146]},
    {"stream": AGENTVIEW, "frame": 35, "label": "object", "box": [139, 112, 161, 134]},
]
LAYERS = {
    "robot_language": ["primitive_skill", "subtask"],
    "robot_contact": ["contact"],
    "robot_tracks": ["gripper_box", "object_box"],
    "robot_key_frames": ["trace", "affordance_box", "contact_points"],
    "arc_story": ["sub_goal", "detour", "strategy", "rule"],
    "arc_steps": ["intent", "marked"],
    "gui_story": ["activity", "anchor"],
    "gui_steps": ["target", "action_point", "caption", "step_verdict", "key_node", "dependency"],
    "verdict": ["changed_region"],
}
"""View → the layers that its project has here."""
SIX = ("status", "quality", "annotator", "submission", "seconds", "created_at")
"""The columns that a person's confirmation sets."""


def project(view: str, **keys: Any) -> dict[str, Any]:
    """An entry of `review.projects`, named as its view."""
    return {"name": view.replace("_", "-"), "view": view, "layers": LAYERS[view], **keys}


def make(folder: Path) -> Workplace:
    """The examples with all that annotators say of them, under a review that has every view."""
    data = ROOT / "examples/data"
    sources = [
        {"name": "lift", "reader": "lerobot", "uri": str(data / "lift")},
        {"name": "puzzles", "reader": "braingridgame", "uri": str(data / "arc/mirror_wrong_way_first.json")},
        {"name": "shop", "reader": "playwright", "uri": str(data / "web/search.zip")},
    ]
    seeds = {"seeds": {"*": SEEDS}}
    annotators = [
        "robot.clips",
        "robot.contacts",
        {"name": "robot.flow_track", "parameters": seeds},
        {"name": "robot.gripper_key_frames", "parameters": seeds},
        "arc.sub_goals",
        "arc.detours",
        "gui.activities",
        "gui.target_region",
        "gui.action_points",
        "gui.state_change",
    ]
    return place_in(folder, sources, annotators, review={"projects": [project(view) for view in LAYERS]})


def copied(place: Workplace, folder: Path, projects: list[dict[str, Any]]) -> Workplace:
    """The same workspace elsewhere, not under review yet, with other projects."""
    folder.mkdir()
    shutil.copytree(place.workspace, folder / "out", ignore=lambda at, _: ["review"] if Path(at) == place.workspace else [])
    shutil.copy(place.recipe, folder / "recipe.yaml")
    found = Workplace(folder / "recipe.yaml")
    found.change(lambda content: content.update(review={"projects": projects}))
    return found


def plant(place: Workplace, said: dict[str, list[Annotation]]) -> None:
    """Let a source propose what no annotator of ours does, by trajectory: stored rows beside those that one left.

    The trajectories must be in one shard.
    """
    store = Store(load_recipe(place.recipe).workspace_uri)
    found: dict[str, list[pa.Table]] = {}
    for trajectory_id, of_trajectory in said.items():
        for kind, table in annotation_tables(trajectory_id, Producer("model", "somebody", "1"), of_trajectory).items():
            found.setdefault(kind, []).append(table)
    for kind, tables in found.items():
        outcomes = [read_outcome(store, path) for path in sorted(store.list("outcomes/propose")) if path.endswith(".json")]
        outcome = next(o for o in outcomes if o and kind not in o.files and _speaks_of(store, o, set(said)))
        file = put_table(store, f"propose/planted/{kind}/{outcome.name}.parquet", pa.concat_tables(tables))
        put_outcome(store, "propose", replace(outcome, files={**outcome.files, kind: file}))


def _speaks_of(store: Store, outcome: Outcome, trajectories: set[str]) -> bool:
    tables = (read_table(store, record.path) for kind, record in outcome.files.items() if kind in KINDS)
    return any(trajectories & set(table["trajectory_id"].to_pylist()) for table in tables)


@dataclass(frozen=True)
class Reviewed:
    """A recipe, its workspace, and the server that shows it."""

    place: Workplace
    label_studio: Any
    done: dict[str, Expected] = field(default_factory=dict)
    efforts: dict[str, Effort] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    @cached_property
    def recipe(self) -> Recipe:
        return load_recipe(self.place.recipe)

    @property
    def store(self) -> Store:
        return Store(self.recipe.workspace_uri)

    @property
    def session(self) -> ReviewSession:
        return ReviewSession(self.recipe, self.store, self.label_studio.client, self.label_studio.media_root)

    def proposed(self, trajectory_id: str, layer: str) -> list[Row]:
        """What annotators said of a trajectory in one layer."""
        found = reviewable(self.recipe, self.store, None, [layer])
        return [row for one in found if one.view.trajectory_id == trajectory_id for row in one.rows[layer]]

    def push(self) -> list[str]:
        return [line for done in self.session.push() for line in done.lines]

    def settle(self, name: str) -> Resolution:
        """Pull one project and resolve all."""
        assert any("1 saved" in line or "2 saved" in line for done in self.session.pull([name]) for line in done.lines)
        return self.session.resolve()

    def number(self, name: str) -> int:
        """The project's number on the server."""
        address = next(a for title, a in self.session.addresses.items() if title.endswith(f": {name}"))
        return int(address.split("/projects/")[1].split("/")[0])

    def tasks(self, name: str) -> dict[str, ReviewTask]:
        """Title → task, as pushed."""
        return {task.data["title"]: task for task in self.tasks_by_uid(name).values()}

    def tasks_by_uid(self, name: str) -> dict[str, ReviewTask]:
        state = self._ledger(name).state()
        return {task.uid: task for task in map(state.task, state.tasks)}

    def task_number(self, name: str, uid: str) -> int:
        """A task's number on the server."""
        return next(number for number, own in self._ledger(name).state().ids.items() if own == uid)

    def _ledger(self, name: str) -> Ledger:
        return Ledger(self.store, f"review/ledger/{name}", self.store.read_json(SALT))

    def states(self, task: ReviewTask) -> list[Row]:
        """What the review made of a task's trajectory in the project's layers."""
        assert self.recipe.review is not None
        layers = next(spec.layers for spec in self.recipe.review.projects if spec.name == task.project)
        tables = [
            read_table(self.store, record.path).to_pylist()
            for outcome in reviewed_outcomes(self.store)
            for kind, record in outcome.files.items()
            if kind in KINDS
        ]
        own = [row for rows in tables for row in rows]
        return [row for row in own if row["trajectory_id"] == task.trajectory_id and row["layer"] in layers]

    def released(self, table: str) -> list[Row]:
        """The rows of a config of the release, by its folder."""
        files = sorted((self.place.release / table).glob("*.parquet"))
        return [row for file in files for row in pq.read_table(file).to_pylist()]


@dataclass(frozen=True)
class Expected:
    """What a submission must come to: everything that is not named here is accepted bit for bit.

    `corrected`: id of the proposal → the columns that the correction has; all others are the proposal's or null.
    `added`: columns of each new row. `rejected`: ids. `empty`: layers of which a person said that nothing is there.
    """

    task: ReviewTask
    corrected: dict[str, Row] = field(default_factory=dict)
    added: tuple[Row, ...] = ()
    rejected: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()

    @property
    def proposals(self) -> dict[str, Row]:
        return {row["annotation_id"]: dict(row) for rows in self.task.rows.values() for row in rows}

    def check(self, states: list[Row]) -> None:
        """That the states are these and no others."""
        assert len({(row["annotator"], row["submission"]) for row in states}) == 1
        for row in states:
            assert row["annotator"], row
            assert row["submission"], row
            assert row["seconds"] > 0
            assert row["created_at"] is not None
            assert row["quality"] == "primary"
        by_id = {row["annotation_id"]: row for row in states}
        assert len(by_id) == len(states)
        left = dict(by_id)
        for annotation_id, proposal in self.proposals.items():
            if annotation_id in self.corrected:
                (now,) = [row for row in states if row["supersedes"] == annotation_id]
                del left[now["annotation_id"]]
                assert (now["status"], now["producer_type"]) == ("corrected", "human")
                assert now["producer"] == f"review.{self.task.project}"
                has(now, self.corrected[annotation_id])
            else:
                now = left.pop(annotation_id)
                assert now["status"] == ("rejected" if annotation_id in self.rejected else "accepted")
                assert without(now) == without(proposal)
        for wanted in self.added:
            now = next(row for row in left.values() if row["layer"] == wanted["layer"] and not empty(row))
            del left[now["annotation_id"]]
            assert (now["status"], now["producer_type"], now["supersedes"]) == ("accepted", "human", None)
            has(now, wanted)
        assert sorted(row["layer"] for row in left.values()) == sorted(self.empty)
        assert all(empty(row) for row in left.values())

    def check_release(self, reviewed: Reviewed) -> None:
        """That the layers hold the current rows and no others, and the history every state."""
        states = reviewed.states(self.task)
        superseded = {row["supersedes"] for row in states} - {None}
        for layer in self.task.rows:
            own = [row for row in states if row["layer"] == layer]
            current = {row["annotation_id"]: row for row in own if row["status"] != "rejected"}
            assert not superseded & current.keys()
            folder = next(reviewed.place.release.glob(f"*/{layer}"), None)
            found = [] if folder is None else reviewed.released(f"{folder.parent.name}/{layer}")
            published = {row["annotation_id"]: row for row in found if row["trajectory_id"] == self.task.trajectory_id}
            assert published.keys() == current.keys()
            for annotation_id, row in published.items():
                derived = ("start_time", "end_time")
                assert {k: v for k, v in row.items() if k not in derived} == {
                    k: v for k, v in current[annotation_id].items() if k not in derived
                }
        history = [r for r in reviewed.released("annotation_history") if r["trajectory_id"] == self.task.trajectory_id]
        kept = {(row["annotation_id"], row["submission"], row["status"]) for row in history}
        assert {(row["annotation_id"], row["submission"], row["status"]) for row in states} <= kept
        assert {(name, None, "proposed") for name in self.proposals} <= kept


def without(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in SIX}


def empty(row: Row) -> bool:
    """Whether a row of a person says that nothing is there."""
    content = ("label", "text", "texts", "boxes", "points", "cells", "value", "function", "relation")
    return row["producer_type"] == "human" and not any(row.get(name) for name in content)


def has(row: Row, wanted: Row) -> None:
    """That a row has these values: numbers within 0.01, a `Json` column as what it says."""
    for name, value in wanted.items():
        assert close(row[name], value), f"{name} is {row[name]}, should be {value}"


@dataclass(frozen=True)
class Between:
    """Boxes of which some are filled in by the tracker: they lie near the straight line between those that are not."""

    boxes: list[Any]
    interpolated: list[bool]

    def meets(self, found: list[Any]) -> bool:
        keys = [n for n, between in enumerate(self.interpolated) if not between and self.boxes[n] is not None]
        exact = all(close(found[n], self.boxes[n]) for n in keys)
        seen = [box is not None for box in found] == [box is not None for box in self.boxes]
        return exact and seen and all(self._near(found, first, last) for first, last in pairwise(keys))

    def _near(self, found: list[Any], first: int, last: int) -> bool:
        for n in range(first + 1, last):
            if found[n] is not None:
                share = (n - first) / (last - first)
                line = (1 - share) * np.array(found[first]) + share * np.array(found[last])
                if np.abs(line - found[n]).max() > 5:
                    return False
        return True


def close(one: Any, other: Any) -> bool:
    if isinstance(other, Between):
        return other.meets(one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, str) and isinstance(other, dict):
        return bool(json.loads(one) == other)
    if isinstance(one, float) and isinstance(other, (int, float)):
        return abs(one - other) < 0.01
    return bool(one == other)
