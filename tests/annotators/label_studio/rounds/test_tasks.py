"""Open questions as tasks of Label Studio, and what people save there as opinions."""

from __future__ import annotations

from dataclasses import replace

from annotators.label_studio.codec import encode
from annotators.label_studio.project import Project, ReviewTask, Submission, Surface
from annotators.label_studio.rounds.items import Extent, Item
from annotators.label_studio.rounds.plan import next_round
from annotators.label_studio.rounds.quality import Quality
from annotators.label_studio.rounds.round import Rules
from annotators.label_studio.rounds.tasks import opinion_of, outgoing_of, project_spec, task_of
from annotators.label_studio.sync.outgoing import MODEL_VERSION

from .rows import LANGUAGE, by_layer, opinion, row, rules, skill, subtask

SURFACE = Surface(tuple(range(100)), tuple(range(100)), 100, 320, 240, "front", 10.0, 0.1)
ROWS = by_layer([skill("p", 0, 50), subtask("s", 0, 50, "reach the cup")])
FIRST = ReviewTask(
    "demo/language/1/t",
    "language",
    "t",
    SURFACE,
    ROWS,
    {"media": "m", "fps": 10.0, "title": "t", "proposed": "1. reach"},
    priority=0.3,
)


def saved(task: ReviewTask, project: Project, who: str = "ann", **changes: object) -> Submission:
    return Submission(task.uid, who, f"{task.uid}:{who}", "2026-01-01T00:00:00Z", 5.0, encode(project, task).results, **changes)  # type: ignore[arg-type]


def test_extent_of_a_slow_proxy() -> None:
    # 90 steps of 1/30 s on a proxy of 10 pictures a second: one picture is three steps
    slow = Surface(tuple(range(0, 90, 3)), tuple(range(0, 90, 3)), 90, 640, 480, "front", 10.0, 0.1)
    extent = Extent.of(slow)
    assert (extent.start, extent.end, round(extent.seconds_per_step or 0, 6), extent.steps_per_picture) == (
        0,
        90,
        0.033333,
        3.0,
    )
    assert extent.diagonal == 800.0
    assert Extent.of(replace(slow, resolution=None)).seconds_per_step is None


def test_an_item_is_the_same_in_every_round() -> None:
    one = Item.of(replace(FIRST, uid="demo/language/1/source/ep/3#0-100", owned=(0, 60)), "b1")
    assert (one.key, one.batch, one.priority, one.trajectory_id) == ("source/ep/3#0-100", "b1", 0.3, "t")
    assert [one.decides(row) for row in (skill("a", 0, 9), skill("b", 60, 70))] == [True, False]


def test_a_blind_second_opinion_is_told_nothing() -> None:
    blind = rules(Quality(overlap=1.0, blind=True))
    first, second = sorted(next_round(blind, [Item.of(FIRST)], []), key=lambda push: push.purpose)
    told = outgoing_of(blind, first, task_of(blind, first, FIRST))
    assert [p.model_version for p in told.predictions] == [MODEL_VERSION]
    assert told.task.data == FIRST.data
    blank = outgoing_of(blind, second, task_of(blind, second, FIRST))
    assert (blank.task.uid, blank.task.project, blank.predictions) == ("demo/language.second/1/t", "language.second", ())
    assert "proposed" not in blank.task.data
    assert blank.task.rows == {}
    spec = project_spec(blind, "second", "u", "a title")
    assert (spec.blind, spec.order) == (True, "given")
    assert (
        project_spec(blind, "first", "u", "a title").order,
        project_spec(blind, "adjudication", "u", "a title").model_version,
    ) == ("uncertain", None)


def test_an_untouched_submission_is_an_opinion_that_accepts() -> None:
    said = opinion_of(rules(), FIRST, saved(FIRST, LANGUAGE))
    assert {r["annotation_id"]: r["status"] for rows in said.rows.values() for r in rows} == {"p": "accepted", "s": "accepted"}
    assert (said.annotator, said.seconds, said.skipped) == ("ann", 5.0, False)
    skip = opinion_of(rules(), FIRST, replace(saved(FIRST, LANGUAGE), results=(), skipped=True))
    assert skip.skipped
    assert not any(skip.rows.values())
    emptied = opinion_of(rules(), FIRST, replace(saved(FIRST, LANGUAGE), results=()))
    assert [r["status"] for r in emptied.rows["primitive_skill"]] == ["rejected", "accepted"]  # the second says: nothing there
    assert emptied.standing("primitive_skill") == ()


def test_two_texts_are_no_opinion() -> None:
    results = [dict(result) for result in encode(LANGUAGE, FIRST).results]
    (text,) = (result for result in results if result["type"] == "textarea")
    text["value"] = text["value"] | {"text": ["one", "two"]}
    assert opinion_of(rules(), FIRST, replace(saved(FIRST, LANGUAGE), results=tuple(results))).redo


def test_the_adjudicator_gets_a_prediction_per_person() -> None:
    quality = rules(Quality(overlap=1.0))
    far = skill("q", 0, 90)
    said = [opinion("t", "ann", *ROWS["primitive_skill"]), opinion("t", "bob", far, purpose="second", at=5)]
    (push,) = next_round(quality, [Item.of(FIRST)], said)
    sent = outgoing_of(quality, push, task_of(quality, push, FIRST))
    assert {p.model_version: p.results[0]["value"]["ranges"][0]["end"] for p in sent.predictions} == {"ann": 50, "bob": 90}
    assert sent.task.rows == push.shown[0].rows


def test_the_verdict_view_shows_its_pictures_in_every_round() -> None:
    project = Project("language", "verdict", ("changed_region",))
    two = [
        row("changed_region", i, start=s, end=s + 1, shape="box", frames=[s], boxes=[[0, 0, 9, 9]])
        for i, s in (("a", 3), ("b", 7))
    ]
    surface = Surface((3, 7), (3, 7), 10, 320, 240)
    first = ReviewTask("demo/language/1/t", "language", "t", surface, by_layer(two), {"images": ["a.png", "b.png"]})
    checked = Rules("demo", project, Quality.model_validate({"acceptance": {"sample": 5, "bar": 0.9}}))

    def judge(task: ReviewTask, who: str, *words: str) -> Submission:
        results = tuple(
            {
                "id": f"{who}{i}",
                "from_name": "verdict",
                "to_name": "media",
                "type": "choices",
                "item_index": i,
                "value": {"choices": [word]},
            }
            for i, word in enumerate(words)
        )
        return replace(saved(task, project, who), results=results)

    said = opinion_of(checked, first, judge(first, "ann", "right", "wrong"))
    (push,) = next_round(checked, [Item.of(first)], [said])
    assert push.purpose == "acceptance"
    task = task_of(checked, push, first)
    assert outgoing_of(checked, push, task).predictions[0].results == ()
    known = next_round(checked, [Item.of(first)], [said, opinion_of(checked, task, judge(task, "bob", "right", "wrong"))])
    assert known == ()
