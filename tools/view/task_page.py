"""The page of one ARC task: the state graph over all its trajectories, the solutions that people handed in, who went where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from annotators.arc.grid_ids import COLUMNS, state_rows
from annotators.arc.paths import TABLE, Path, paths_of
from annotators.task import Tasks
from annotators.trajectory import TaskView, TrajectoryView
from pipelines.errors import ConfigurationError

from .arc import PALETTE, coded, task_of
from .folder import ReleaseFolder, like
from .page import outcome, render
from .said import Json
from .stored import task_row
from .task_graph import GraphOfTest, graphs_of_tests

Grids = dict[str, int]
"""Text of a grid → its number in the page."""


def task_page(folder: ReleaseFolder, task_id: str, states: int) -> str:
    """The page of a task. Raises ConfigurationError for a task that has no ARC trajectory, or where there are no ARC steps."""
    if not folder.files("arc_steps"):
        raise ConfigurationError(f"{folder.root} has no table arc_steps: the view of a task is of ARC tasks")
    headers, steps = _of_task(folder, task_id)
    views = tuple(_view(row, steps) for row in headers)
    table = folder.rows("tasks", task_id, "task_id")
    known = Tasks(table).get(task_id) if table is not None else None
    paths = paths_of(TaskView(task_id, views, known))
    grids: Grids = {}
    row = task_row(folder, task_id)
    lookup = _Grids(steps, grids)
    shown = [_graph(graph, lookup) for graph in graphs_of_tests(paths, states)]
    task = task_of(row, grids) if row is not None else None
    trajectories = [_trajectory(view, paths) for view in views]
    data = {
        "palette": PALETTE, "task": task, "graphs": shown, "answers": _answers(paths, lookup),
        "trajectories": trajectories, "grids": list(grids),
    }  # fmt: skip
    return render(
        "task.html.jinja",
        f"{task_id} · Cairn",
        ("base.js", "drawing.js", "task.js"),
        data,
        task_id=task_id,
        row=row,
        facts=_facts(headers, views),
        notes=_notes(shown, task),
    )


class _Grids:
    """Grids of the steps of a task, each once in the page, looked up by where they were seen."""

    def __init__(self, steps: pa.Table, grids: Grids) -> None:
        self._steps, self._grids = steps, grids
        keys = zip(steps["trajectory_id"].to_pylist(), steps["step"].to_pylist(), strict=True)
        self._rows = {key: row for row, key in enumerate(keys)}

    def number(self, seen: tuple[str, int, bool]) -> int:
        """The number of the grid before or after a step."""
        trajectory_id, step, after = seen
        grid = self._steps["grid_after" if after else "grid_before"][self._rows[trajectory_id, step]].as_py()
        return self._grids.setdefault(coded(grid), len(self._grids))


def _of_task(folder: ReleaseFolder, task_id: str) -> tuple[list[dict[str, Any]], pa.Table]:
    """The headers of the ARC trajectories of a task, in order of id, and their steps."""
    found = folder.rows("trajectories", task_id, "task_id")
    headers = [] if found is None else [row for row in found.to_pylist() if row["domain"] == "arc"]
    steps = folder.rows("arc_steps", task_id, "task_id", [name for name in COLUMNS if name != "task_id"]) if headers else None
    if steps is None:
        tasks = folder.all_rows("trajectories", ("task_id", "domain"))
        known = sorted({row["task_id"] for row in tasks if row["domain"] == "arc" and row["task_id"] is not None})
        raise ConfigurationError(f"{folder.root} has no ARC trajectory of the task {task_id!r}; {like(task_id, known)}")
    return sorted(headers, key=lambda row: row["trajectory_id"]), steps.sort_by(
        [("trajectory_id", "ascending"), ("step", "ascending")]
    )


def _view(header: Mapping[str, Any], steps: pa.Table) -> TrajectoryView:
    own = steps.filter(pc.equal(steps["trajectory_id"], header["trajectory_id"]))
    return TrajectoryView(header, {TABLE: state_rows(own)}, _no_media, _no_media)


def _no_media(sha256: str) -> Any:
    raise KeyError(f"an ARC task has no media, {sha256} was asked for")


def _graph(graph: GraphOfTest, lookup: _Grids) -> Json:
    numbers = {node.name: number for number, node in enumerate(graph.nodes)}
    return {
        "test": graph.test, "states": graph.states, "people": graph.people,
        "nodes": [
            {
                "grid": lookup.number(n.seen), "role": n.role, "people": n.people, "visits": n.visits, "value": n.value,
                "at": [n.column, n.row],
            }
            for n in graph.nodes
        ],
        "edges": [
            {
                "from": numbers[a], "to": numbers[b], "people": len(edge.people), "over": edge.over,
                "operations": edge.operations.most_common(6),
            }
            for (a, b), edge in graph.edges.items()
        ],
        "ways": {path.trajectory_id: [numbers[name] for name in way] for path, way in graph.ways},
    }  # fmt: skip


def _answers(paths: Sequence[Path], lookup: _Grids) -> list[Json]:
    """What was handed in, each grid of a test once: right ones first, then those of most people."""
    found: dict[tuple[int | None, str, bool | None], Json] = {}
    for path in paths:
        for step, state, right in path.submissions:
            seen = _where(path, step, state)
            if seen is None:
                continue
            entry = found.setdefault(
                (path.test, state, right),
                {"test": path.test, "right": right, "grid": lookup.number(seen), "people": set(), "by": []},
            )
            entry["people"].add(path.person)
            entry["by"].append([path.trajectory_id, step, sum(move.step <= step for move in path.moves)])
    answers = [{**entry, "people": len(entry["people"])} for entry in found.values()]
    order = {True: 0, None: 1, False: 2}
    return sorted(answers, key=lambda a: (a["test"] or 0, order[a["right"]], -a["people"], a["by"]))


def _where(path: Path, step: int, state: str) -> tuple[str, int, bool] | None:
    """A place at which the grid that was handed in at `step` can be looked up."""
    return next(((path.trajectory_id, at, came) for at, name, came in path.visits() if name == state and at <= step), None)


def _trajectory(view: TrajectoryView, paths: Sequence[Path]) -> Json:
    own = [path for path in paths if path.trajectory_id == view.trajectory_id]
    kind, sentence = outcome(view.header)
    return {
        "id": view.trajectory_id, "who": view.header["agent"], "kind": kind, "outcome": sentence, "steps": view.num_steps,
        "moves": sum(len(path.moves) for path in own), "duration": view.header["duration"], "attempt": view.header["attempt"],
    }  # fmt: skip


def _facts(headers: Sequence[Mapping[str, Any]], views: Sequence[TrajectoryView]) -> list[tuple[str, str]]:
    people = {str(row["agent"] or row["trajectory_id"]) for row in headers}
    solved = [row["success"] for row in headers if row["success"] is not None]
    found = [("trajectories", str(len(views))), ("people", str(len(people)))]
    found += [("solved", f"{sum(solved)} of {len(solved)}")] if solved else []
    for name, key in (("source", "source_name"), ("licence", "license")):
        found.append((name, ", ".join(sorted({str(row[key]) for row in headers}))))
    return found


def _notes(graphs: Sequence[Json], task: Json | None) -> list[str]:
    notes = []
    for graph in graphs:
        if len(graph["nodes"]) < graph["states"]:
            test = f"Test {graph['test'] + 1}: " if len(graphs) > 1 and graph["test"] is not None else ""
            drawn = f"{len(graph['nodes'])} of {graph['states']} states are drawn"
            notes.append(f"{test}{drawn}, those that most people came to; dashed edges pass over the others.")
    return notes if task is not None else [*notes, "The demonstrations and the answer of this task are not in the release."]
