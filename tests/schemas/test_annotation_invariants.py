"""One fault at a time in sound annotations: its code, its place, and what would be right."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pytest

from schemas.invariants import ANNOTATION_CHECKS, annotations, check_annotations
from schemas.tables import KINDS, SERIES

from .conftest import Planted

Plant = Callable[[Planted], object]
NAN = float("nan")


def another(planted: Planted, **columns: Any) -> None:
    """One more segment, like the first."""
    planted.rows["segments"].append(planted.row("segments") | {"annotation_id": "new"} | columns)


def link(planted: Planted, *pairs: tuple[str | None, str | None]) -> None:
    """Links, in a layer that nobody declared: its violation is left out below."""
    rows = [
        {"annotation_id": f"link-{i}", "trajectory_id": "r/0", "layer": "l", "source": source, "destination": destination}
        for i, (source, destination) in enumerate(pairs)
    ]
    planted.rows["links"] = rows


FAULTS: dict[str, tuple[Plant, str, str | None, str]] = {
    "a level": (
        lambda p: p.row("texts").update(level="steps"),
        "word_unknown", "id-4", "g/0: level 'steps' is none of trajectory, prefix, span, step",
    ),
    "a status": (
        lambda p: p.row("checks", 1).update(status="confirmed"),
        "word_unknown", "id-10", "id-10: status 'confirmed' is none of proposed, accepted, corrected, rejected",
    ),
    "a quality": (
        lambda p: p.row("segments").update(quality="good"),
        "word_unknown", "id-0", "r/0: quality 'good' is none of primary, secondary",
    ),
    "a producer type": (
        lambda p: p.row("scalars").update(producer_type="person"),
        "word_unknown", "id-5", "g/0: producer_type 'person' is none of signal, model, human",
    ),
    "a shape": (
        lambda p: p.row("regions", 2).update(shape="circle"),
        "word_unknown", "id-8", "u/0: shape 'circle' is none of point, box, polygon, mask, cells",
    ),
    "a layer that nobody declared": (
        lambda p: p.row("texts").update(layer="remark"),
        "layer_undeclared", "id-4", "layer 'remark' of id-4 in texts is declared nowhere; add schemas/layers/remark.py",
    ),
    "no layer": (
        lambda p: p.row("texts").update(layer=None),
        "layer_undeclared", "id-4", "layer None of id-4 in texts is declared nowhere; name one",
    ),
    "a layer in another kind's table": (
        lambda p: p.row("checks").update(layer="caption"),
        "layer_kind", "id-9", "layer 'caption' of id-9 is declared as texts and stands in checks",
    ),
    "a label": (
        lambda p: p.row("segments", 1).update(label="walk"),
        "label_unknown", "id-1", "r/0, layer motion, id-1: 'walk' is no word of layer motion, which has close, move, open, still",
    ),
    "a label of a region": (
        lambda p: p.row("regions").update(label="same"),
        "label_unknown", "id-6", "g/0, layer changed_region, id-6: 'same' is no word of layer changed_region, which has changed",
    ),
    "an outcome": (
        lambda p: p.row("checks").update(outcomes=["exact", None, "wrong"]),
        "label_unknown", "id-9", "a/0, layer replay, id-9: 'wrong' is no word of layer replay, which has diverged, exact,",
    ),
    "an end after the last step": (
        lambda p: p.row("texts").update(end=3),
        "interval_outside", "id-4", "g/0, layer caption, id-4: the interval [0, 3) should be 0 <= start < end <= 2 (num_steps)",
    ),
    "a start before the first step": (
        lambda p: p.row("texts").update(start=-1),
        "interval_outside", "id-4", "g/0, layer caption, id-4: the interval [-1, 2) should be 0 <= start",
    ),
    "an interval without a step": (
        lambda p: p.row("texts").update(start=1, end=1),
        "interval_outside", "id-4", "g/0, layer caption, id-4: the interval [1, 1) should be",
    ),
    "a start without an end": (
        lambda p: p.row("texts").update(end=None),
        "interval_outside", "id-4", "g/0, layer caption, id-4: the interval [0, None) should be",
    ),
    "an end without a start": (
        lambda p: p.row("texts").update(start=None),
        "interval_outside", "id-4", "g/0, layer caption, id-4: the interval [None, 2) should be",
    ),
    "a start without an end in a layer that tiles": (
        lambda p: another(p, start=3, end=None),
        "interval_outside", "new", "r/0, layer motion, new: the interval [3, None) should be",
    ),
    "an overlap": (
        lambda p: p.row("segments", 1).update(start=1),
        "interval_overlap", "id-1", "r/0: layer motion overlaps itself at step 1 (the one before ends at 2)",
    ),
    "one interval inside another": (
        lambda p: another(p, start=3, end=4),
        "interval_overlap", "new", "r/0: layer motion overlaps itself at step 3 (the one before ends at 5)",
    ),
    "a gap": (
        lambda p: p.row("segments", 1).update(start=3),
        "interval_gap", "id-1", "r/0: layer motion leaves steps 2 to 3 without an interval",
    ),
    "a gap at the start": (
        lambda p: p.row("segments", 3).update(start=1),
        "interval_gap", "id-3", "r/0: layer motion leaves steps 0 to 1 without an interval",
    ),
    "a gap at the end": (
        lambda p: p.row("segments", 3).update(end=5),
        "interval_gap", "id-3", "r/0: layer motion ends at step 5 of 6",
    ),
    "a box beyond the right edge": (
        lambda p: p.row("regions").update(boxes=[[0.0, 0.0, 64.5, 48.0]]),
        "box_outside", "id-6",
        "g/0, layer changed_region, id-6: box [0.0, 0.0, 64.5, 48.0] is not [x_min, y_min, x_max, y_max] inside 64 x 48 pixels",
    ),
    "a box beyond the lower edge": (
        lambda p: p.row("regions").update(boxes=[[0.0, 0.0, 64.0, 49.0]]),
        "box_outside", "id-6", "g/0, layer changed_region, id-6: box [0.0, 0.0, 64.0, 49.0] is not",
    ),
    "a box beyond the origin": (
        lambda p: p.row("regions", 1).update(boxes=[None, [-1.0, 2.0, 3.0, 4.0]]),
        "box_outside", "id-7", "g/0, layer target, id-7: box [-1.0, 2.0, 3.0, 4.0] is not",
    ),
    "a box turned round": (
        lambda p: p.row("regions", 1).update(boxes=[[1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 1.0, 4.0]]),
        "box_outside", "id-7", "g/0, layer target, id-7: box [3.0, 2.0, 1.0, 4.0] is not",
    ),
    "a box without area": (
        lambda p: p.row("regions", 1).update(boxes=[None, [1.0, 2.0, 3.0, 2.0]]),
        "box_outside", "id-7", "g/0, layer target, id-7: box [1.0, 2.0, 3.0, 2.0] is not",
    ),
    "a box of three numbers": (
        lambda p: p.row("regions", 1).update(boxes=[None, [1.0, 2.0, 3.0]]),
        "box_outside", "id-7", "g/0, layer target, id-7: box [1.0, 2.0, 3.0] is not",
    ),
    "a box with a null in it": (
        lambda p: p.row("regions", 1).update(boxes=[None, [1.0, 2.0, None, 4.0]]),
        "box_outside", "id-7", "g/0, layer target, id-7: box [1.0, 2.0, None, 4.0] is not",
    ),
    "a box that is no number": (
        lambda p: p.row("regions", 1).update(boxes=[None, [1.0, 2.0, NAN, 4.0]]),
        "box_outside", "id-7", "g/0, layer target, id-7: box [1.0, 2.0, nan, 4.0] is not",
    ),
    "a trajectory that is not there": (
        lambda p: p.row("scalars").update(trajectory_id="g/9", start=None, end=None),
        "owner_missing", "id-5",
        "g/9, layer change, id-5: there is no such trajectory; its trajectory_id should be one of `trajectories`",
    ),
    "neither a trajectory nor a task": (
        lambda p: p.row("checks", 1).update(task_id=None),
        "owner_none", "id-10", "None, layer noop, id-10: neither trajectory_id nor task_id is set",
    ),
    "one thing said twice": (
        lambda p: p.rows["texts"].append(dict(p.row("texts"))),
        "annotation_twice", "id-4", "id-4 occurs 2 times in texts: the same thing was said twice",
    ),
    "a link from nothing": (
        lambda p: link(p, ("id-0", "id-1"), ("gone", "id-1")),
        "link_dangling", "link-1",
        "r/0, layer l, link-1: source 'gone' is no annotation; it should be an annotation_id that is there",
    ),
    "a link to nothing": (
        lambda p: link(p, ("id-0", "id-1"), ("id-1", "gone")),
        "link_dangling", "link-1", "r/0, layer l, link-1: destination 'gone' is no annotation",
    ),
    "a link without ends": (
        lambda p: link(p, (None, None)),
        "link_dangling", "link-0", "r/0, layer l, link-0: source None is no annotation",
    ),
    "links that go round": (
        lambda p: link(p, ("id-0", "id-1"), ("id-1", "id-2"), ("id-2", "id-1")),
        "link_cycle", "id-1", "links: id-1 -> id-2 -> id-1 leads back to itself",
    ),
    "a link to itself": (
        lambda p: link(p, ("id-0", "id-0")),
        "link_cycle", "id-0", "links: id-0 -> id-0 leads back to itself",
    ),
    "a parent that is not there": (
        lambda p: p.row("segments", 2).update(parent="gone"),
        "link_dangling", "id-2",
        "r/0, layer motion, id-2: parent 'gone' is no annotation; it should be an annotation_id that is there",
    ),
    "a parent below its child": (
        lambda p: p.row("segments", 0).update(parent="id-1"),
        "link_cycle", "id-0", "segments: id-0 -> id-1 -> id-0 leads back to itself",
    ),
}  # fmt: skip

UNEVEN = [
    ("texts", {"texts": ["a"]}, "{'steps': 2, 'texts': 1}"),
    ("scalars", {"std": [0.1, 0.2]}, "{'steps': 1, 'values': 1, 'std': 2}"),
    ("checks", {"observed": []}, "{'steps': 3, 'outcomes': 3, 'observed': 0}"),
    ("regions", {"visible": [True, True]}, "{'frames': 1, 'boxes': 1, 'visible': 2}"),
    ("codes", {"steps": [0, 1], "codes": [[1]]}, "{'steps': 2, 'codes': 1}"),
    ("traces", {"steps": [0], "points": [[0.0, 1.0]], "valid": []}, "{'steps': 1, 'points': 1, 'valid': 0}"),
]


def found_in(planted: Planted) -> list[Any]:
    """All violations, but for the one that the layer `l` of constructed rows is declared nowhere."""
    return [v for v in check_annotations(planted.tables()) if not v.message.startswith("layer 'l' ")]


@pytest.mark.parametrize(("plant", "code", "annotation_id", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_with_its_code_its_place_and_what_would_be_right(
    said: Planted, plant: Plant, code: str, annotation_id: str, message: str
) -> None:
    plant(said)
    found = found_in(said)
    assert {violation.code for violation in found} == {code}
    assert found[0].annotation_id == annotation_id
    assert found[0].message.startswith(message)


@pytest.mark.parametrize(("kind", "columns", "sizes"), UNEVEN, ids=[kind for kind, _, _ in UNEVEN])
def test_lists_of_unequal_length_are_found_in_every_kind_that_has_parallel_lists(
    said: Planted, kind: str, columns: dict[str, Any], sizes: str
) -> None:
    row = {"annotation_id": "new", "trajectory_id": "g/0", "layer": "l"}
    said.rows.setdefault(kind, [row])[0].update(columns)
    (found,) = found_in(said)
    assert found.code == "series_uneven"
    assert found.annotation_id == said.row(kind)["annotation_id"]
    assert found.message.endswith(f"the lists {sizes} should be of one length")


def test_sound_annotations_have_no_violation(said: Planted) -> None:
    assert check_annotations(said.tables()) == []


def test_annotations_without_rows_have_no_violation(
    said: Planted, empty_tables: Callable[[Mapping[str, Any]], dict[str, pa.Table]]
) -> None:
    tables = empty_tables(said.rows)
    assert KINDS.keys() <= tables.keys()
    assert check_annotations(tables) == []


def test_a_row_that_says_no_more_than_what_it_is_about_has_no_violation(said: Planted) -> None:
    bare: dict[str, list[dict[str, Any]]] = {"trajectories": said.rows["trajectories"]}
    for kind in said.rows.keys() & KINDS.keys():
        bare[kind] = [{"annotation_id": kind, "trajectory_id": "r/0", "layer": said.row(kind)["layer"]}]
    assert check_annotations(Planted(bare).tables()) == []


def test_intervals_of_two_producers_or_of_two_streams_do_not_meet(said: Planted) -> None:
    for row in [dict(row) for row in said.rows["segments"][:3]]:
        said.rows["segments"].append(
            row | {"annotation_id": f"wrist-{row['annotation_id']}", "stream": "wrist", "parent": None}
        )
    assert check_annotations(said.tables()) == []
    said.row("segments", -1).update(stream=None)
    assert {violation.code for violation in check_annotations(said.tables())} == {"interval_overlap", "interval_gap"}


def test_a_track_without_a_frame_size_may_have_a_box_of_any_size(said: Planted) -> None:
    said.row("regions", 1).update(boxes=[None, [0.0, 0.0, 1e6, 1e6]])
    assert check_annotations(said.tables()) == []


def test_links_that_meet_again_without_going_round_are_no_cycle(said: Planted) -> None:
    link(said, ("id-0", "id-1"), ("id-0", "id-2"), ("id-1", "id-3"), ("id-2", "id-3"), ("id-1", "id-2"), ("id-0", "id-1"))
    assert found_in(said) == []


def test_a_chain_of_ten_thousand_links_is_walked(said: Planted) -> None:
    number = 10_000
    base = said.row("segments", 3)
    said.rows["segments"] = [base | {"annotation_id": str(i), "producer": str(i), "parent": str(i + 1)} for i in range(number)]
    said.row("segments", -1).update(parent=None)
    assert check_annotations(said.tables()) == []
    said.row("segments", -1).update(parent="0")
    (found,) = check_annotations(said.tables())
    assert found.code == "link_cycle"


def test_every_code_of_every_check_is_planted_here() -> None:
    source = inspect.getsource(annotations)
    planted = {code for _, code, _, _ in FAULTS.values()} | {"series_uneven"}
    assert set(re.findall(r'Violation\(\s*"(\w+)"', source)) | {"word_unknown"} == planted
    docs = "".join(inspect.getdoc(check) or "" for check in ANNOTATION_CHECKS)
    assert {code for code in planted if f"`{code}`" not in docs} == set()


def test_every_kind_whose_row_may_be_a_series_is_guarded() -> None:
    assert set(SERIES) <= {kind for kind, _, _ in UNEVEN}
