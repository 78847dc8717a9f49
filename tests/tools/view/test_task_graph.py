"""The state graph of a task as it is drawn: which states stay, what their edges weigh, and where they lie."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path as File

from annotators.arc.paths import Move, Path
from tools.view.layered import layered
from tools.view.task_graph import GraphOfTest, graphs_of_tests


def way(who: str, states: str, right: bool | None = None, test: int | None = 0) -> Path:
    """A path through states that are letters."""
    moves = [Move(i, "paint", a, b, None) for i, (a, b) in enumerate(pairwise(states))]
    end = [(len(states), states[-1], right)] if right is not None else []
    return Path(f"t/{who}", who, test, [(0, states[0], False)], moves, end, states[-1])


def graph_of(*ways: Path, most: int = 99) -> GraphOfTest:
    (found,) = graphs_of_tests(ways, most)
    return found


def test_edges_weigh_people_not_visits() -> None:
    graph = graph_of(way("ann", "ABABC", True), way("bob", "ABC", True), way("cat", "AC", False))
    assert {pair: len(edge.people) for pair, edge in graph.edges.items()} == {
        ("A", "B"): 2,
        ("B", "A"): 1,
        ("B", "C"): 2,
        ("A", "C"): 1,
    }
    assert graph.edges["A", "B"].operations == {"paint": 3}
    nodes = {node.name: node for node in graph.nodes}
    assert (nodes["A"].role, nodes["A"].people, nodes["A"].column) == ("start", 3, 0)
    assert (nodes["C"].role, nodes["C"].value) == ("end", 2 / 3)
    assert nodes["B"].role == "popular"


def test_states_that_are_left_out_are_passed_over() -> None:
    graph = graph_of(way("ann", "ABCDZ", True), way("bob", "AEZ", True), way("cat", "AZ", True), most=2)
    assert {node.name for node in graph.nodes} == {"A", "Z"}
    assert graph.states == 6
    (edge,) = graph.edges.values()
    assert (edge.people, edge.over) == ({"ann", "bob", "cat"}, 3)
    assert [shown for _, shown in graph.ways] == [("A", "Z")] * 3


def test_a_record_that_breaks_off_makes_no_edge() -> None:
    broken = Path(
        "t/ann",
        "ann",
        0,
        [(0, "A", False), (2, "C", False)],
        [Move(0, "paint", "A", "B", None), Move(2, "paint", "C", "D", None)],
        [],
        "D",
    )
    assert set(graph_of(broken).edges) == {("A", "B"), ("C", "D")}


def test_a_graph_per_test() -> None:
    graphs = graphs_of_tests([way("ann", "AB"), way("ann", "XY", test=1), way("bob", "AC")], 9)
    assert [(graph.test, len(graph.nodes)) for graph in graphs] == [(0, 3), (1, 2)]


def test_wrong_answers_are_shown_as_such() -> None:
    roles = {node.name: node.role for node in graph_of(way("ann", "AB", False), way("bob", "AC", True)).nodes}
    assert roles == {"A": "start", "B": "wrong", "C": "end"}


def test_columns_are_distances_and_no_two_nodes_share_a_place() -> None:
    dice = random.Random(7)
    nodes = list(range(60))
    edges = {(dice.randrange(50), dice.randrange(60)) for _ in range(120)} - {(n, n) for n in nodes}
    places = layered(nodes, edges, [0, 1])
    assert len(set(places.values())) == len(nodes)
    reached, level, distance = {0, 1}, {0, 1}, 0
    while level:
        assert all(places[node][0] == distance for node in level)
        level = {b for a, b in edges if a in level} - reached
        reached |= level
        distance += 1
    unreached = [places[node][0] for node in nodes if node not in reached]
    assert all(column >= distance for column in unreached)
    assert places == layered(nodes, edges, [0, 1])


def test_neighbours_lie_beside_each_other() -> None:
    nodes = ["s", "a1", "b1", "c1", "c2", "a2", "b2"]
    edges = [("s", "a1"), ("s", "b1"), ("s", "c1"), ("a1", "a2"), ("b1", "b2"), ("c1", "c2")]
    places = layered(nodes, edges, ["s"])
    assert sorted("abc", key=lambda n: places[n + "1"][1]) == sorted("abc", key=lambda n: places[n + "2"][1])


def test_the_page_is_the_same_every_time(crowd: File) -> None:
    from tools.view.folder import ReleaseFolder
    from tools.view.task_page import task_page

    assert task_page(ReleaseFolder(str(crowd)), "tiny", 50) == task_page(ReleaseFolder(str(crowd)), "tiny", 50)
