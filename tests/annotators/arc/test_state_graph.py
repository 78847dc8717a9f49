"""Paths, state graph, popular states and intentions on planted ways through lettered grids."""

from __future__ import annotations

import numpy as np

from annotators.annotation import annotation_tables
from annotators.arc.grid_ids import grid_id, state_rows
from annotators.arc.intentions import ANNOTATOR as INTENTIONS
from annotators.arc.intentions import intentions
from annotators.arc.paths import paths_of
from annotators.arc.popular_states import ANNOTATOR as POPULAR
from annotators.arc.popular_states import popular_states
from annotators.arc.shared_intentions import ANNOTATOR as SHARED
from annotators.arc.shared_intentions import shared_intentions
from annotators.arc.state_graph import ANNOTATOR, state_graph
from annotators.protocol import annotator, producer_of
from annotators.task import Pair, Task
from annotators.trajectory import TaskView, TrajectoryView
from schemas.invariants import check_annotations
from schemas.tables import KINDS
from tests.annotators.arc.lettered_tasks import task, trace


def rows(found, planted: TaskView, kind: str):
    tables = annotation_tables(None, producer_of(found), found.propose(planted), planted.task_id)
    assert set(tables) <= {kind}
    return tables[kind].to_pylist() if tables else []


def test_the_graph_of_two_traces():
    """One way with an undo in it and one that is shorter: each edge and state counted by hand."""
    planted = task(trace("1", "ABABC+"), trace("2", "ACD-"))
    found = {(row["node"], row["parent"]): row for row in rows(ANNOTATOR, planted, "nodes")}
    assert {key: row["visits"] for key, row in found.items()} == {
        ("0:A", None): 2, ("0:B", "0:A"): 2, ("0:A", "0:B"): 1, ("0:C", "0:B"): 1, ("0:C", "0:A"): 1, ("0:D", "0:C"): 1,
    }  # fmt: skip
    state = {row["node"]: row for row in found.values()}
    assert {name[2:]: row["depth"] for name, row in state.items()} == {"A": 0, "B": 1, "C": 1, "D": 2}
    assert {name[2:]: row["value"] for name, row in state.items()} == {"A": 0.5, "B": 1, "C": 0.5, "D": 0}
    assert {name[2:] for name, row in state.items() if row["terminal"]} == {"C", "D"}
    assert found["0:B", "0:A"]["action"] == '{"draw":2}'
    assert found["0:A", None]["action"] is None
    assert state["0:D"]["state"] == '{"grid":"grid_after","step":2,"trajectory_id":"2"}'


def test_a_state_is_a_grid_of_one_test():
    planted = task(trace("1", "AB", test=0), trace("2", "AB", test=1), trace("3", "AB", test=None))
    assert {row["node"] for row in rows(ANNOTATOR, planted, "nodes")} == {"0:A", "0:B", "1:A", "1:B", "A", "B"}


def test_a_record_with_a_hole_begins_anew_and_has_no_edge_there():
    paths = paths_of(task(trace("1", "AB CD+")))
    graph = state_graph(paths)
    assert set(graph.edges) == {("0:A", "0:B"), ("0:C", "0:D")}
    assert [state for _, state, _ in paths[0].visits()] == ["0:A", "0:B", "0:C", "0:D"]
    assert graph.states["0:C"].depth is None
    assert graph.states["0:C"].visits == 1
    assert graph.states["0:A"].value == 1


def test_the_answer_decides_before_the_source_and_the_source_before_the_header():
    answer = np.array([[1]], np.uint8)
    known = Task("t", tests=(Pair(None, answer),))
    traces = (trace("1", "AB-"), trace("2", "AB?", success=True), trace("3", "AB?B?", success=True))
    verdicts = [[right for _, _, right in path.submissions] for path in paths_of(task(*traces))]
    assert verdicts == [[False], [True], [None, None]]
    asked = TaskView("t", traces, known)
    assert [[right for _, _, right in path.submissions] for path in paths_of(asked)] == [[False], [False], [False, False]]
    there = trace("4", "AB-")
    states = there.tables["arc_states"]
    named = states.set_column(5, "after", [[grid_id(answer) if name == "B" else name for name in states["after"].to_pylist()]])
    assert paths_of(TaskView("t", (type(there)(there.header, {**there.tables, "arc_states": named}, *[None] * 2),), known))[
        0
    ].submissions == [(2, f"0:{grid_id(answer)}", True)]


def test_values_count_a_right_answer_from_there_on():
    """After a wrong submission it may still come right; what follows the last right one led to nothing."""
    graph = state_graph(paths_of(task(trace("1", "AB-C+D"))))
    assert {name[2:]: state.value for name, state in graph.states.items()} == {"A": 1, "B": 1, "C": 1, "D": 0}
    unknown = state_graph(paths_of(task(trace("1", "AB"))))
    assert {state.value for state in unknown.states.values()} == {None}


def test_popular_is_where_the_square_root_of_all_traces_comes():
    """Nine traces: three have to come. One person who comes three times is one."""
    ways = ["AXG+", "AXG+", "AXG+", "AYG+", "AYG+", "AYAYAYG+", "ABG-", "ACG-", "AD-"]
    planted = task(*(trace(str(n), way) for n, way in enumerate(ways)))
    paths = paths_of(planted)
    assert popular_states(paths, state_graph(paths)) == {"0:A": "start", "0:X": "popular", "0:G": "end", "0:Y": "popular"}
    fewer = paths[:5]
    assert popular_states(fewer, state_graph(fewer)) == {"0:A": "start", "0:X": "popular", "0:G": "end"}
    one = paths[:1]
    assert popular_states(one, state_graph(one)) == {"0:A": "start", "0:G": "end"}
    said = {row["node"]: row for row in rows(POPULAR, planted, "nodes")}
    assert said["0:X"]["visits"] == 3
    assert said["0:G"]["terminal"]
    assert said["0:G"]["state"] == '{"role":"end","trajectories":9}'


def test_intentions_reach_return_and_stray():
    popular = {"0:A": "start", "0:X": "popular", "0:G": "end"}
    (path,) = paths_of(task(trace("1", "ABXCXDE")))
    found = [(one.start, one.end, one.label, one.source, one.target) for one in intentions(path, popular)]
    assert found == [(1, 3, "reach", "0:A", "0:X"), (3, 5, "return", "0:X", "0:X"), (5, 7, "stray", "0:X", None)]
    (broken,) = paths_of(task(trace("1", "AB CX")))
    assert [(one.start, one.label) for one in intentions(broken, popular)] == []
    planted = task(trace("1", "ABX+"), trace("2", "ABX+"))
    said = rows(INTENTIONS, planted, "segments")
    assert [(r["trajectory_id"], r["start"], r["end"], r["label"]) for r in said if r["trajectory_id"] == "2"] == [
        ("2", 1, 2, "reach"),
        ("2", 2, 3, "reach"),
    ]


def test_a_shared_intention_is_of_several_people_not_of_several_traces():
    box, other = (0, 0, 1, 2), (2, 2, 3, 3)
    planted = task(
        trace("1", "AB", agent="ann", regions={1: box}),
        trace("2", "AB", agent="ann", regions={1: box}),
        trace("3", "AB", agent="bob", regions={1: other}),
        trace("4", "AC", agent="cy", regions={1: other}, operations=["", "draw"]),
        trace("5", "AC", agent="dan", regions={1: other}, operations=["", "crop"]),
    )
    assert list(shared_intentions(paths_of(planted))) == [(0, other, "draw")]
    (row,) = rows(SHARED, planted, "regions")
    assert (row["trajectory_id"], row["task_id"], row["label"], row["cells"]) == (None, "t", "draw", [[2, 2]])
    assert row["attributes"] == '{"first":["3",1],"people":2,"share":0.4,"test_index":0,"trajectories":2}'


def test_rows_of_recorded_traces_are_sound(shared_data, read_source):
    """Folder 1 holds tasks that two people played: both are in one graph."""
    source = read_source("braingridgame", shared_data / "arc/braingridgame_history/1")
    tasks: dict[str, list[TrajectoryView]] = {}
    for name in sorted(source.trajectories):
        view = source.view(name)
        tables = {**view.tables, "arc_states": state_rows(view.steps)}
        tasks.setdefault(view.header["task_id"], []).append(
            TrajectoryView(view.header, tables, view.read_media, view.open_media)
        )
    headers = source.table("trajectories")
    assert any(len(views) > 1 for views in tasks.values())
    for short in ("state_graph", "popular_states", "intentions", "shared_intentions", "step_values", "pivots", "divergence"):
        found = annotator(f"arc.{short}")
        total = 0
        for task_id, views in tasks.items():
            planted = TaskView(task_id, tuple(views))
            tables = annotation_tables(None, producer_of(found), found.propose(planted), task_id)
            assert check_annotations({**tables, "trajectories": headers}) == []
            total += sum(tables[kind].num_rows for kind in KINDS if kind in tables)
            if short == "state_graph":
                moves = sum(len(path.moves) for path in paths_of(planted))
                assert moves == sum(row["visits"] for row in tables["nodes"].to_pylist() if row["parent"] is not None)
        assert total or short in ("pivots", "divergence")
