"""Push and pull against a real Label Studio: what people do meanwhile is kept, and everything can be done twice."""

from __future__ import annotations

import logging
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotators.label_studio.client import Client
from annotators.label_studio.errors import LabelStudioError
from annotators.label_studio.ledger import Ledger, submissions
from annotators.label_studio.project import ReviewTask, Surface
from annotators.label_studio.sync import Outgoing, Prediction, ProjectSpec, annotate, pull, push
from tests.annotators.label_studio.faulty_proxy import faulty_proxy
from tests.annotators.label_studio.small_project import (
    CONFIG,
    QUICK,
    assert_each_once,
    many,
    new_ledger,
    new_project,
    outgoing,
    results,
    standing,
)


class Bench:
    """A project of its own in the worker's server, pushed with `number` tasks."""

    def __init__(self, client: Client, folder: Path, number: int = 12, **spec: Any) -> None:
        self.client = client
        self.ledger: Ledger = new_ledger(folder)
        self.spec: ProjectSpec = new_project(**spec)
        self.wanted = many(self.spec.uid, number)
        self.project = self.push().project

    def push(self, wanted: list[Outgoing] | None = None, config: str = CONFIG, **more: Any) -> Any:
        return push(
            self.client, self.ledger, self.spec, config, self.wanted if wanted is None else wanted, patience=QUICK, **more
        )

    def pull(self, **more: Any) -> Any:
        return pull(self.client, self.ledger, patience=QUICK, **more)

    def uid(self, number: int) -> str:
        return f"{self.spec.uid}/small/1/s/{number}"

    def id(self, number: int) -> int:
        (found,) = self.ledger.state().ids_of(self.uid(number))
        return found

    def save(self, number: int, word: str = "wrong", client: Client | None = None, **more: Any) -> uuid.UUID:
        key = uuid.uuid4()
        annotate(client or self.client, self.id(number), results(number, word), key, QUICK, **more)
        return key

    def draft(self, number: int) -> None:
        self.client.connection.call("POST", f"api/tasks/{self.id(number)}/drafts", body={"result": [], "lead_time": 3})

    def words(self, number: int) -> list[str]:
        """What the predictions of a task say."""
        found = self.client.predictions(task_id=self.id(number))
        return [choice for one in found for choice in one["result"][0]["value"]["choices"]]

    def entries(self) -> int:
        return len(list(self.ledger.entries()))


@pytest.fixture
def bench(label_studio: Any, tmp_path: Path) -> Callable[..., Bench]:
    return lambda **more: Bench(label_studio.client, tmp_path, **more)


def test_doing_it_twice_adds_nothing(bench: Callable[..., Bench]) -> None:
    it = bench()
    before = it.entries()
    again = it.push()
    assert (again.added, again.unchanged, again.notes) == (0, 12, [])
    assert it.entries() == before

    it.save(1)
    assert it.pull().saved == 1
    before = it.entries()
    again = it.pull()
    assert (again.saved, again.withdrawn) == (0, 0)
    assert it.pull(full=True).saved == 0
    assert it.entries() == before
    assert_each_once(it.client, it.project, it.wanted)


def test_what_was_pushed_comes_back_exactly(bench: Callable[..., Bench]) -> None:
    it = bench()
    state = it.ledger.state()
    assert [state.task(one.task.uid) for one in it.wanted] == [one.task for one in it.wanted]
    assert state.regions(it.uid(3)) == {"r3": (("step_verdict", "r3", None),)}
    (exported,) = it.client.export(it.project, [it.id(3)])
    assert exported["data"]["uid"] == it.uid(3)
    (found,) = it.client.predictions(task_id=it.id(3))
    assert (found["score"], found["model_version"], tuple(found["result"])) == (0.03, "cairn", results(3))


def test_what_people_saved(bench: Callable[..., Bench], label_studio: Any) -> None:
    it = bench(overlap=2)
    _, other = label_studio.member()
    it.save(0, "wrong", lead_time=4000.0)
    it.save(0, "right", client=other, lead_time=7.5)
    it.save(1, skip=True)
    report = it.pull()
    assert (report.saved, report.skipped) == (3, 1)

    state = it.ledger.state()
    first, second, skip = submissions(state, 600)
    assert [first.uid, second.uid, skip.uid] == [it.uid(0), it.uid(0), it.uid(1)]
    assert (first.annotator, second.annotator) != (second.annotator, first.annotator)
    assert first.annotator == skip.annotator
    assert (first.seconds, second.seconds, skip.seconds) == (600, 7.5, None)
    assert (first.results, skip.results, skip.skipped) == (results(0, "wrong"), (), True)
    text = b"".join(path.read_bytes() for path in it_files(it))
    for user in label_studio.client.users():
        assert user.email.encode() not in text


def it_files(it: Bench) -> list[Path]:
    return [path for path in Path(it.ledger._storage.root).rglob("*") if path.is_file()]  # type: ignore[attr-defined]


def test_submitting_twice_and_saving_again(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.save(0, "wrong")
    it.save(0, "right")
    report = it.pull()
    assert any("submitted more than once by one person: 1 task" in note for note in report.notes)
    (found,) = submissions(it.ledger.state(), 600)
    assert found.results == results(0, "right")

    first = it.client.annotations(it.id(0))[0]
    it.client.update_annotation(first["id"], results(0, "wrong"))
    assert it.pull().saved == 1
    (found,) = submissions(it.ledger.state(), 600)
    assert found.results == results(0, "wrong")
    assert len(it.ledger.state().history) == 3


def test_a_deleted_annotation_counts_no_more_and_is_kept(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.save(0)
    it.pull()
    it.client.delete_annotation(it.client.annotations(it.id(0))[0]["id"])
    report = it.pull()
    assert report.withdrawn == 1
    assert any("deleted in Label Studio: 1 annotation" in note for note in report.notes)
    assert submissions(it.ledger.state(), 600) == []
    assert len(it.ledger.state().history) == 1
    assert it.pull().withdrawn == 0


def test_deleted_tasks_stay_deleted_and_their_work_is_kept(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.save(0)
    it.pull()
    it.client.delete_tasks(it.project, [it.id(0), it.id(11)])
    report = it.pull()
    assert any("deleted in Label Studio: 2 tasks" in note for note in report.notes)
    assert it.ledger.state().gone == {it.uid(0), it.uid(11)}
    assert [s.uid for s in submissions(it.ledger.state(), 600)] == [it.uid(0)]

    again = it.push()
    assert (again.added, sorted(again.deleted)) == (0, sorted([it.uid(0), it.uid(11)]))
    assert len(again.notes) == 2
    assert it.push(restore=True).added == 2
    assert_each_once(it.client, it.project, it.wanted)
    assert it.ledger.state().gone == set()


def test_a_push_sees_deletions_itself(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.client.delete_tasks(it.project, [it.id(5)])
    assert it.push().deleted == [it.uid(5)]


def test_numbers_of_deleted_tasks_that_come_again(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.save(11)
    it.pull()
    old = it.id(11)
    it.client.delete_tasks(it.project, [old])
    new = it.push([*it.wanted[:11], *many(it.spec.uid, 13)[12:]])
    assert new.added == 1
    assert it.id(12) == old  # SQLite; should this fail, the trap is gone
    it.save(12, "right")
    it.pull()
    assert {s.uid: s.results for s in submissions(it.ledger.state(), 600)} == {
        it.uid(11): results(11, "wrong"),
        it.uid(12): results(12, "right"),
    }


def test_a_deleted_project_is_made_anew_without_what_was_done(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.save(0)
    it.pull()
    it.client.delete_project(it.project)
    report = it.pull()
    assert report.gone
    assert any("is not in Label Studio" in note and "is kept" in note for note in report.notes)
    assert it.pull().notes == []

    again = it.push()
    assert again.project != it.project
    assert (again.added, again.deleted) == (11, [it.uid(0)])
    it.save(1)
    it.pull()
    assert {s.uid for s in submissions(it.ledger.state(), 600)} == {it.uid(0), it.uid(1)}
    assert len({s.submission for s in submissions(it.ledger.state(), 600)}) == 2
    assert (it.push().added, it.pull().saved) == (0, 0)


def test_a_draft_is_counted_and_stays(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.draft(2)
    report = it.pull()
    assert report.drafts == 1
    assert any("a draft that was not submitted lies on 1 task" in note for note in report.notes)
    before = it.entries()
    assert it.pull().drafts == 1
    assert it.entries() == before
    changed = it.push(many(it.spec.uid, 12, "wrong"))
    assert (changed.replaced, changed.left) == (11, [it.uid(2)])
    (exported,) = it.client.export(it.project, [it.id(2)])
    assert len(exported["drafts"]) == 1


def test_new_proposals_for_untouched_tasks_only(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.save(0)
    it.save(1, skip=True)
    prediction = it.client.predictions(task_id=it.id(5))[0]["id"]
    changed = it.push(many(it.spec.uid, 12, "wrong"))

    assert (changed.added, changed.replaced, changed.left) == (0, 10, [it.uid(0), it.uid(1)])
    assert any("other proposals now" in note for note in changed.notes)
    assert [it.words(i) for i in range(12)] == [["right"]] * 2 + [["wrong"]] * 10
    assert it.client.predictions(task_id=it.id(5))[0]["id"] == prediction  # who has it open can still submit
    state = it.ledger.state()
    assert state.task(it.uid(0)) == it.wanted[0].task  # still what was on the screen
    assert state.task(it.uid(5)) == outgoing(it.spec.uid, 5, "wrong").task
    it.save(5)
    it.pull()
    (saved,) = [s for s in it.ledger.state().history if s.uid == it.uid(5)]
    assert saved.version == state.versions[it.uid(5)][-1].version
    assert it.push(many(it.spec.uid, 12, "wrong")).replaced == 0
    assert_each_once(it.client, it.project, it.wanted)


def test_somebody_who_had_the_task_open_when_its_proposals_changed(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.push(many(it.spec.uid, 12, "wrong"))
    it.save(5, lead_time=3600.0)  # began an hour ago
    it.pull()
    (saved,) = it.ledger.state().history
    assert it.ledger.state().task(saved.uid, saved.version) == it.wanted[5].task


def test_predictions_that_got_lost_or_doubled_on_the_way(bench: Callable[..., Bench]) -> None:
    """Label Studio imports again without the predictions when its database was locked."""
    it = bench()
    it.client.delete_predictions(it.project, [it.id(3)])
    it.client.import_predictions(it.project, [{"task": it.id(4), "model_version": "cairn", "result": results(4), "score": 0.1}])
    assert it.push().replaced == 2
    assert_each_once(it.client, it.project, it.wanted)
    assert it.push().replaced == 0


def test_what_a_lost_ledger_entry_leaves_is_found_again(bench: Callable[..., Bench], tmp_path: Path) -> None:
    """Killed after the import, before the ledger knew."""
    it = bench()
    for path in it_files(it):
        lines = [line for line in path.read_bytes().splitlines(keepends=True) if b'"kind":"task"' not in line]
        path.write_bytes(b"".join(lines) or b"\n") if lines else path.unlink()
    assert it.ledger.state().ids == {}
    again = it.push()
    assert (again.added, again.unchanged) == (0, 12)
    assert_each_once(it.client, it.project, it.wanted)
    it.save(3)
    assert it.pull().saved == 1


def test_an_annotation_whose_task_did_not_get_its_time(bench: Callable[..., Bench], label_studio: Any) -> None:
    """A server that is killed between the two writes hides the annotation from every delta."""
    it = bench()
    it.save(0)
    it.pull()
    it.save(7)
    (database,) = label_studio.home.data.glob("*.sqlite3")
    with sqlite3.connect(database, timeout=30) as connection:
        connection.execute("UPDATE task SET updated_at = '2020-01-01', total_annotations = 0 WHERE id = ?", [it.id(7)])
    connection.close()
    assert it.pull().saved == 1
    assert {s.uid for s in submissions(it.ledger.state(), 600)} == {it.uid(0), it.uid(7)}


def test_a_config_edited_by_hand_stays_and_is_said(bench: Callable[..., Bench]) -> None:
    it = bench()
    it.save(0)
    edited = CONFIG.replace('<Choice value="wrong"/>', '<Choice value="wrong"/><Choice value="hard"/>')
    it.client.update_project(it.project, label_config=edited)
    report = it.pull()
    assert report.saved == 1
    assert any("was edited by hand" in note for note in report.notes)
    pushed = it.push(config=CONFIG.replace("</View>", '<Header value="new"/></View>'))
    assert any("was edited by hand" in note for note in pushed.notes)
    assert it.client.project(it.project)["label_config"] == edited
    it.client.update_project(it.project, label_config=CONFIG)
    assert it.pull().notes == []


def test_our_own_new_config_is_set(bench: Callable[..., Bench]) -> None:
    it = bench()
    new = CONFIG.replace("</View>", '<Header value="new"/></View>')
    assert it.push(config=new).notes == []
    assert it.client.project(it.project)["label_config"] == new
    it.pull()
    before = it.entries()
    assert (it.push(config=new).notes, it.pull().notes) == ([], [])
    assert it.entries() == before


def test_tasks_that_somebody_added_by_hand(bench: Callable[..., Bench]) -> None:
    it = bench()
    (strange,) = it.client.import_tasks(it.project, [{"data": {"text": "mine"}}])
    annotate(it.client, strange, results(1), uuid.uuid4())
    report = it.pull()
    assert any("added by hand: 1 annotation" in note for note in report.notes)
    assert submissions(it.ledger.state(), 600) == []
    before = it.entries()
    assert (it.pull().saved, it.push().added) == (0, 0)
    assert it.entries() == before


def test_a_blind_project_holds_no_predictions(bench: Callable[..., Bench]) -> None:
    it = bench(blind=True)
    assert it.client.predictions(project_id=it.project) == []
    assert it.client.project(it.project)["show_collab_predictions"] is False
    assert it.push().unchanged == 12
    it.client.import_predictions(it.project, [{"task": it.id(4), "model_version": "x", "result": results(4), "score": 0.1}])
    it.push()
    assert it.client.predictions(project_id=it.project) == []


def test_two_opinions_as_predictions(bench: Callable[..., Bench]) -> None:
    it = bench(number=1, model_version=None)
    both = (Prediction(results(0, "right"), "a-1"), Prediction(results(0, "wrong"), "a-2"))
    assert it.push([Outgoing(it.wanted[0].task, both)]).replaced == 1
    assert sorted(
        (p["model_version"], *p["result"][0]["value"]["choices"]) for p in it.client.predictions(task_id=it.id(0))
    ) == [
        ("a-1", "right"),
        ("a-2", "wrong"),
    ]
    assert it.push([Outgoing(it.wanted[0].task, both)]).unchanged == 1


@pytest.mark.parametrize(("order", "sampling"), [("uncertain", "Uncertainty sampling"), ("random", "Uniform sampling")])
def test_order_and_settings(bench: Callable[..., Bench], order: Any, sampling: str) -> None:
    it = bench(order=order, overlap=2, instruction="<b>look</b>")
    found = it.client.project(it.project)
    assert (found["sampling"], found["maximum_annotations"], found["expert_instruction"]) == (sampling, 2, "<b>look</b>")
    if order == "uncertain":
        first = it.client.connection.call("POST", "api/dm/actions", params={"id": "next_task", "project": it.project}, body={})
        assert first["data"]["uid"] == it.uid(0)  # the lowest priority
    it.client.update_project(it.project, sampling="Sequential sampling")
    it.push()
    assert it.client.project(it.project)["sampling"] == sampling


def test_a_refused_prediction_is_a_sentence_and_nothing_stands(bench: Callable[..., Bench]) -> None:
    it = bench()
    bad = [*it.wanted, outgoing(it.spec.uid, 12, "no such word"), outgoing(it.spec.uid, 13)]
    with pytest.raises(LabelStudioError, match="no such word"):
        it.push(bad)
    assert len(standing(it.client, it.project)) == 12
    assert it.push([*it.wanted, outgoing(it.spec.uid, 13)]).added == 1


def test_two_tasks_with_one_uid(bench: Callable[..., Bench]) -> None:
    it = bench()
    with pytest.raises(ValueError, match="two tasks of one push"):
        it.push([*it.wanted, it.wanted[0]])


def test_text_stays_text(bench: Callable[..., Bench]) -> None:
    it = bench(number=1)
    text = "<script>alert(1)</script> \u2028 é 中 \\ \" ' ]]> ${x}"
    task = ReviewTask("t", "small", "s/1", Surface((0,), (0,), 1, 2, 3), {}, {"text": text})
    it.push([*it.wanted, Outgoing(task)])
    (found,) = it.ledger.state().ids_of("t")
    assert it.client.export(it.project, [found])[0]["data"]["text"] == text


def test_another_server_under_the_same_address(bench: Callable[..., Bench]) -> None:
    """The data folder was thrown away: the number of the project is another project's now."""
    it = bench()
    it.client.update_project(it.project, title="somebody else's", description="")
    report = it.pull()
    assert report.gone
    assert it.push().added == 12
    it.client.delete_project(it.project)


def test_a_project_whose_answer_was_lost_is_made_once(label_studio: Any, tmp_path: Path) -> None:
    spec, ledger = new_project(), new_ledger(tmp_path)
    faults = iter(["lose", "502", "twice"])

    def script(method: str, path: str) -> str:
        return next(faults, "") if method == "POST" and path.split("?")[0] == "/api/projects/" else ""

    with faulty_proxy(label_studio.url, 3.0, script=script) as proxy:
        behind = Client(proxy.url, label_studio.running.token, read_again=0)
        push(behind, ledger, spec, CONFIG, many(spec.uid, 5), patience=QUICK)
    assert list(faults) != ["lose", "502", "twice"]
    assert sum(spec.uid in found["title"] for found in label_studio.client.projects()) == 1


@pytest.mark.parametrize("status", ["401", "500", "429", "drop"])
def test_a_server_that_goes_on_failing_is_a_sentence(
    label_studio: Any, tmp_path: Path, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    spec, ledger, token = new_project(), new_ledger(tmp_path), label_studio.running.token
    with faulty_proxy(label_studio.url, 3.0, script=lambda *_: status) as proxy:
        behind = Client(proxy.url, token, read_again=0)
        with pytest.raises(LabelStudioError) as caught:
            push(behind, ledger, spec, CONFIG, many(spec.uid, 5), patience=QUICK)
    assert "Label Studio at" in str(caught.value)
    for text in (caplog.text, repr(caught.value), str(caught.value)):
        assert token not in text
        assert "sessionid" not in text
    assert push(label_studio.client, ledger, spec, CONFIG, many(spec.uid, 5), patience=QUICK).added == 5


def test_pulling_before_pushing_is_a_sentence(label_studio: Any, tmp_path: Path) -> None:
    assert pull(label_studio.client, new_ledger(tmp_path)).notes == ["nothing was pushed yet: `cairn review push` does"]


def test_a_title_that_label_studio_refuses() -> None:
    with pytest.raises(ValueError, match="3 to 50"):
        ProjectSpec(uid="u", title="x" * 51)
