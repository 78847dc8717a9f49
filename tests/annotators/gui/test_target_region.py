"""Targets of pointer actions: the public recording with its change of scaling, and constructed trees for the rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from annotators.annotation import Annotation, annotation_tables
from annotators.gui.labels import fits, named
from annotators.gui.target_region import ANNOTATOR, RULE_RECORDED
from annotators.gui.trees import RULE, TreeError, accessibility_nodes, nodes, pick, under
from annotators.protocol import annotator, producer_of
from annotators.trajectory import TrajectoryView
from schemas.invariants import check_annotations

View = Callable[..., TrajectoryView]


@pytest.fixture(scope="module")
def by_step(agentnet_view: TrajectoryView) -> dict[int | None, Annotation]:
    return {annotation.start: annotation for annotation in ANNOTATOR.propose(agentnet_view)}


def attributes(annotation: Annotation) -> dict[str, Any]:
    found: dict[str, Any] = annotation.payload["attributes"]
    return found


def test_labels_disagree_after_the_change_of_scaling(by_step: dict[int | None, Annotation]) -> None:
    agrees = {step: attributes(annotation)["agrees"] for step, annotation in by_step.items()}
    assert agrees == {0: True, **dict.fromkeys([1, 2, 3, 4, 6, 7]), **dict.fromkeys(range(8, 14), False)}


def test_recovered_by_name_and_one_scale(by_step: dict[int | None, Annotation]) -> None:
    recovered = {
        step: (attributes(a)["recovered"]["name"], attributes(a)["recovered"]["scale"])
        for step, a in by_step.items()
        if attributes(a)["recovered"]
    }
    assert recovered == {
        8: ("1366 × 768", 1.25),
        9: ("1680 × 1050", 1.25),
        10: ("Keep changes", 1.5),
        11: ("Power & sleep", 1.5),
        13: ("5 hours", 1.5),
    }


def test_recovered_box_is_in_frame_pixels(by_step: dict[int | None, Annotation]) -> None:
    assert by_step[10].payload["boxes"] == [[960.0, 529.5, 1159.5, 589.5]]
    assert attributes(by_step[11])["name"] == "Projecting to this PC"
    assert attributes(by_step[13])["name"] == "Settings – 1 running window"


def test_every_box_holds_its_pointer_but_the_contradicted(
    by_step: dict[int | None, Annotation], agentnet_view: TrajectoryView
) -> None:
    points = agentnet_view.steps["point"].to_pylist()
    for step, annotation in by_step.items():
        ((x_min, y_min, x_max, y_max),) = annotation.payload["boxes"]
        assert step is not None
        assert x_min <= points[step][0] < x_max
        assert y_min <= points[step][1] < y_max


def test_actionable_beats_a_smaller_text(by_step: dict[int | None, Annotation]) -> None:
    assert by_step[7].payload["label"] == "ListItemControl"
    assert by_step[7].payload["boxes"] == [[345.0, 297.0, 623.0, 332.0]]
    assert by_step[7].payload["element_path"].endswith("/ComboBoxControl[1]/ListItemControl[2]")


def test_a_thumb_is_aimed_at_by_drags_alone(by_step: dict[int | None, Annotation]) -> None:
    assert by_step[3].payload["label"] == "ThumbControl"
    assert by_step[4].payload["label"] == "ButtonControl"


def test_recorded_element_where_the_tree_has_none(by_step: dict[int | None, Annotation]) -> None:
    assert attributes(by_step[1])["rule"] == RULE_RECORDED
    assert attributes(by_step[1])["name"] == "Night light"
    assert by_step[1].payload["boxes"] == [[1262.0, 369.0, 1350.0, 433.0]]


def test_contradicted_box_ranks_lowest(by_step: dict[int | None, Annotation]) -> None:
    assert min(by_step, key=lambda step: by_step[step].confidence or 0) == 12


def test_rows_pass_the_guard_and_are_stable(agentnet_view: TrajectoryView) -> None:
    def rows() -> Any:
        return annotation_tables(agentnet_view.trajectory_id, producer_of(ANNOTATOR), ANNOTATOR.propose(agentnet_view))

    tables = {**rows(), "trajectories": agentnet_view.tables["trajectories"]}
    assert check_annotations(tables) == []
    assert rows()["regions"].equals(tables["regions"])


def test_scales_are_a_parameter(agentnet_view: TrajectoryView) -> None:
    only = annotator("gui.target_region", {"scales": (1.0, 1.25)})
    found = {a.start: a for a in only.propose(agentnet_view)}
    assert attributes(found[10])["recovered"] is None
    assert attributes(found[9])["recovered"]["scale"] == 1.25


def node(role: str, box: tuple[int, int, int, int] | None, *children: dict[str, Any], name: str = "") -> dict[str, Any]:
    rectangle = dict(zip(("left", "top", "right", "bottom"), box, strict=True)) if box else None
    return {"Name": name, "ControlType": role, "BoundingRectangle": rectangle, "Children": list(children)}


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_candidates_are_counted(gui_view: View, depth: int) -> None:
    tree = node("ButtonControl", (40, 40, 60, 60), name="inner")
    for i in range(depth - 1):
        tree = node("GroupControl", (30 - i, 30 - i, 70 + i, 70 + i), tree, node("ButtonControl", (50, 50, 50, 90)))
    (annotation,) = ANNOTATOR.propose(view_of(gui_view, tree, (50, 50)))
    assert attributes(annotation)["candidates"] == depth
    assert attributes(annotation)["name"] == "inner"
    assert attributes(annotation)["rule"] == RULE


def test_ties_go_to_the_deeper_then_to_the_first() -> None:
    box = (0, 0, 10, 10)
    twins = node(
        "ButtonControl", box, node("ButtonControl", box, name="deep"), node("ButtonControl", box, name="late"), name="top"
    )
    found = under(accessibility_nodes(twins), (5, 5))
    assert [n.name for n in found] == ["deep", "late", "top"]
    assert [n.path for n in found[:2]] == ["/ButtonControl[1]/ButtonControl[1]", "/ButtonControl[1]/ButtonControl[2]"]


def test_the_right_edge_is_outside() -> None:
    left, right = node("ButtonControl", (0, 0, 10, 10), name="left"), node("ButtonControl", (10, 0, 20, 10), name="right")
    chosen = pick(under(accessibility_nodes(node("PaneControl", (0, 0, 20, 10), left, right)), (10, 5)))
    assert chosen is not None
    assert chosen.name == "right"


def test_box_is_cut_to_the_frame_and_the_whole_one_kept(gui_view: View) -> None:
    (annotation,) = ANNOTATOR.propose(view_of(gui_view, node("ButtonControl", (-8, -8, 50, 30)), (5, 5)))
    assert annotation.payload["boxes"] == [[0.0, 0.0, 50.0, 30.0]]
    assert attributes(annotation)["unclipped"] == [-8.0, -8.0, 50.0, 30.0]


def test_nothing_left_in_the_frame_is_no_annotation(gui_view: View) -> None:
    assert list(ANNOTATOR.propose(view_of(gui_view, node("ButtonControl", (100, 0, 140, 40)), (120, 20)))) == []


def test_container_is_no_target_unless_a_person_contradicts_it(gui_view: View) -> None:
    tree = node("WindowControl", (0, 0, 90, 90), name="Editor")
    assert list(ANNOTATOR.propose(view_of(gui_view, tree, (5, 5)))) == []
    (annotation,) = ANNOTATOR.propose(view_of(gui_view, tree, (5, 5), label="Click on Save"))
    assert attributes(annotation)["agrees"] is False


def test_recorded_box_without_a_tree(gui_view: View) -> None:
    step = {"action_name": "fill", "action_args": {"box": [10, 20, 60, 40]}, "frame_width": 100, "frame_height": 100}
    dom = {"step": 0, "format": "dom", "tree": "t"}
    (annotation,) = ANNOTATOR.propose(gui_view([step], [dom], {"t": b"[]"}))
    assert annotation.payload["boxes"] == [[10.0, 20.0, 60.0, 40.0]]
    assert attributes(annotation)["rule"] == RULE_RECORDED
    assert attributes(annotation)["agrees"] is None


def test_scrolls_and_keys_have_no_target(gui_view: View) -> None:
    frame = {"frame_width": 100, "frame_height": 100}
    steps = [{"action_name": "scroll", "point": [5, 5], **frame}, {"action_name": "type", "text": "a", **frame}]
    tree = {"format": "accessibility", "tree": "t"}
    data = json.dumps(node("ButtonControl", (0, 0, 10, 10))).encode()
    assert list(ANNOTATOR.propose(gui_view(steps, [{"step": 0, **tree}, {"step": 1, **tree}], {"t": data}))) == []


def test_deep_tree_needs_no_recursion() -> None:
    tree = node("ButtonControl", (0, 0, 10, 10), name="bottom")
    for _ in range(5000):
        tree = node("GroupControl", (0, 0, 20, 20), tree)
    assert accessibility_nodes(tree)[-1].depth == 5000


@pytest.mark.parametrize("data", [b"{", b"[1]", b'{"Children": [null]}', b'{"Children": 3}'])
def test_broken_tree_says_so(data: bytes) -> None:
    with pytest.raises(TreeError):
        nodes("accessibility", data)


@pytest.mark.parametrize(
    ("label", "name", "expected"),
    [
        ("Click on Action Centre", "Action Centre, No new notifications (Off)", True),
        ("click on 1366x768", "1366 × 768", True),
        ("Click on 5 hours", "15 hours", False),
        ("Right-click on the 125% option", "125%", True),
        ("Click on turn on night light", "On", False),
        ("Double click on Ｓａｖｅ", "Save", True),
        ("Click on Save", "", False),
        ("Click", "Save", None),
        (None, "Save", None),
    ],
)
def test_fits(label: str | None, name: str, expected: bool | None) -> None:
    assert fits(label, name) is expected


def test_named_keeps_verbs_that_are_names() -> None:
    assert named("Click on Select all") == ("select", "all")


def view_of(gui_view: View, tree: dict[str, Any], point: tuple[float, float], label: str | None = None) -> TrajectoryView:
    """One click on a frame of 100 × 100."""
    source = {"label": label} if label else {}
    step = {"action_name": "click", "point": list(point), "frame_width": 100, "frame_height": 100, "source_action": source}
    return gui_view([step], [{"step": 0, "format": "accessibility", "tree": "t"}], {"t": json.dumps(tree).encode()})
