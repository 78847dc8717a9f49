"""The client, on a real server; and on a small one of our own where the real one cannot be made to fail so."""

from __future__ import annotations

import base64
import http.server
import json
import logging
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from annotators.label_studio import client as client_module
from annotators.label_studio.accounts import invitation, personal_access_token, session_cookie, sign_up
from annotators.label_studio.client import Client
from annotators.label_studio.errors import LabelStudioError
from annotators.label_studio.redaction import redact

CONFIG = """<View>
  <Header value="$title"/><Text name="media" value="$text"/>
  <Choices name="verdict" toName="media" choice="single-radio"><Choice value="right"/><Choice value="wrong"/></Choices>
</View>"""


def results(word: str) -> list[dict[str, Any]]:
    return [{"id": "r1", "from_name": "verdict", "to_name": "media", "type": "choices", "value": {"choices": [word]}}]


def prediction(word: str, **more: Any) -> dict[str, Any]:
    return {"model_version": "proposals", "score": 0.5, "result": results(word), **more}


def task(uid: str, word: str | None = "right") -> dict[str, Any]:
    data = {"uid": uid, "text": f"text of {uid}", "title": uid}
    return {"data": data, "predictions": [prediction(word)] if word else []}


@pytest.fixture
def client(label_studio) -> Client:
    found: Client = label_studio.client
    return found


def refused(call: Callable[[], object]) -> LabelStudioError:
    with pytest.raises(LabelStudioError) as caught:
        call()
    return caught.value


# The real server


def test_projects_are_found_by_their_exact_title(client: Client, project: Callable[..., int]) -> None:
    title = f"exact {uuid.uuid4().hex[:8]}"
    assert client.project_by_title(title) is None
    longer = project(CONFIG, title=f"{title} 2")
    made = project(CONFIG, title=title, instruction="<p>do</p>", maximum_annotations=2, sampling="Uncertainty sampling")
    again = project(CONFIG, title=title)
    assert longer < made < again
    found = client.project_by_title(title)
    assert found is not None
    assert found["id"] == made
    settings = client.project(made)
    assert settings["expert_instruction"] == "<p>do</p>"
    assert settings["show_instruction"]
    assert settings["show_collab_predictions"]
    assert settings["maximum_annotations"] == 2
    assert settings["sampling"] == "Uncertainty sampling"
    assert settings["skip_queue"] == "REQUEUE_FOR_OTHERS"
    client.update_project(made, expert_instruction="<p>do that</p>")
    assert client.project(made)["expert_instruction"] == "<p>do that</p>"
    client.delete_project(made)
    assert refused(lambda: client.project(made)).status == 404


def test_tasks_are_found_by_uid(client: Client, project: Callable[..., int]) -> None:
    here, there = project(CONFIG), project(CONFIG)
    uids = [f'recipe/p/1/épisode {n},[0-4]#"{n}"' for n in range(1100)]
    ids = client.import_tasks(here, [task(uid, None) for uid in uids])
    assert len(set(ids)) == 1100
    assert client.find_tasks(here, uids) == dict(zip(uids, ids, strict=True))
    assert client.find_tasks(there, uids[:5]) == {}
    assert client.find_tasks(here, []) == {}
    (second,) = client.import_tasks(here, [task(uids[0], None)])
    assert client.find_tasks(here, [uids[0], "absent"]) == {uids[0]: ids[0]}
    assert client.find_all_tasks(here, [uids[0]]) == {uids[0]: [ids[0], second]}
    assert client.task_ids(here) == [*ids, second]
    client.delete_tasks(here, [ids[1], second])
    assert client.task_ids(here) == [ids[0], *ids[2:]]


def test_uids_as_long_as_they_get_fit_in_the_address(client: Client, project: Callable[..., int]) -> None:
    number = project(CONFIG)
    uids = [f"a-recipe-with-a-name/robot_language/1/source/{'long/path/to/ä/' * 6}{n:06d}#120-240" for n in range(500)]
    client.import_tasks(number, [task(uid, None) for uid in uids])
    assert len(client.find_tasks(number, uids)) == 500


def test_only_untouched_tasks_are_deleted_where_that_was_asked(client: Client, project: Callable[..., int]) -> None:
    number = project(CONFIG)
    ids = client.import_tasks(number, [task(f"u{n}") for n in range(5)])
    client.create_annotation(ids[0], results("right"))
    client.create_annotation(ids[1], [], was_cancelled=True)
    client.connection.call("POST", f"api/tasks/{ids[2]}/drafts", body={"result": results("wrong"), "lead_time": 1.0})
    client.delete_untouched_tasks(number, ids[:4])
    assert client.task_ids(number) == [ids[0], ids[1], ids[2], ids[4]]


def test_a_web_server_that_takes_only_short_addresses(small: Small) -> None:
    """As one that stands before Label Studio may."""
    small.longest = 2000
    small.default = b'{"tasks": [{"id": 1, "data": {"uid": "u0"}}]}'
    found = Client(small.url, "t" * 40).find_all_tasks(1, [f"u{n}" for n in range(400)])
    assert small.refused
    assert len(found["u0"]) == len(small.asked) - small.refused > 1


@pytest.mark.parametrize("size", [1000, 2])
def test_changed_tasks(client: Client, project: Callable[..., int], monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Also page by page, where many tasks have the same time."""
    monkeypatch.setattr(client_module, "TASKS_PER_PAGE", size)
    number = project(CONFIG)
    ids = client.import_tasks(number, [task(f"u{n}", None) for n in range(7)])

    def changed(since: str | None) -> list[int]:
        return [found.task_id for found in client.changed_tasks(number, since)]

    assert sorted(set(changed(None))) == ids
    last = max(found.updated_at for found in client.changed_tasks(number))
    annotation = client.create_annotation(ids[2], results("wrong"))
    assert ids[2] in changed(last)
    assert annotation is not None

    for act in (
        lambda: client.update_annotation(annotation, results("right")),
        lambda: client.delete_annotation(annotation),
        lambda: client.create_annotation(ids[2], [], was_cancelled=True),
    ):
        (before,) = (found.updated_at for found in client.changed_tasks(number, last) if found.task_id == ids[2])
        act()
        after = list(client.changed_tasks(number, before))
        assert [found.task_id for found in after] == [ids[2]]
        assert after[0].updated_at > before


def test_a_task_that_changes_while_pages_are_read_is_not_missed(
    client: Client, project: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "TASKS_PER_PAGE", 2)
    number = project(CONFIG)
    ids = [client.import_tasks(number, [task(f"u{n}", None)])[0] for n in range(6)]
    read = client.changed_tasks(number)
    seen = [next(read).task_id, next(read).task_id]
    client.create_annotation(ids[0], results("right"))  # moves to the end; with numbered pages ids[2] would be skipped
    seen += [found.task_id for found in read]
    assert set(seen) == set(ids)
    assert seen[-1] == ids[0]


def test_export_gives_everything_people_left(client: Client, project: Callable[..., int]) -> None:
    number = project(CONFIG)
    ids = client.import_tasks(number, [task(f"u{n}") for n in range(130)])
    me = client.me().id
    first = client.create_annotation(ids[0], results("wrong"), lead_time=2.5, completed_by=me)
    skipped = client.create_annotation(ids[0], [], was_cancelled=True)
    client.connection.call("POST", f"api/tasks/{ids[1]}/drafts", body={"result": results("wrong"), "lead_time": 1.0})
    exported = client.export(number, [*ids, 10**9])
    assert [found["id"] for found in exported] == ids
    (one, other) = sorted(exported[0]["annotations"], key=lambda found: found["id"])
    assert (one["id"], one["was_cancelled"], one["lead_time"], one["completed_by"]) == (first, False, 2.5, me)
    assert one["result"] == results("wrong")
    assert (other["id"], other["was_cancelled"]) == (skipped, True)
    assert exported[1]["annotations"] == []
    assert len(exported[1]["drafts"]) == 1
    assert [found["id"] for found in client.predictions(task_id=ids[0])] == exported[0]["predictions"]
    assert [found["id"] for found in client.annotations(ids[0])] == [first]


def test_an_annotation_with_a_uuid_is_made_once(client: Client, project: Callable[..., int], label_studio) -> None:
    (number,) = client.import_tasks(project(CONFIG), [task("u")])
    member, _ = label_studio.member()
    unique = str(uuid.uuid4())
    made = client.create_annotation(number, results("right"), unique_id=unique, completed_by=member)
    assert made is not None
    assert client.create_annotation(number, results("wrong"), unique_id=unique) is None
    (found,) = client.annotations(number)
    assert (found["id"], found["completed_by"], found["result"]) == (made, member, results("right"))


def test_predictions_are_replaced(client: Client, project: Callable[..., int]) -> None:
    number = project(CONFIG)
    ids = client.import_tasks(number, [task(f"u{n}") for n in range(3)])
    assert client.replace_predictions(number, [prediction("wrong", task=ids[0]), prediction("wrong", task=ids[1])]) == 2
    words = {found["task"]: found["result"][0]["value"]["choices"] for found in client.predictions(project_id=number)}
    assert words == {ids[0]: ["wrong"], ids[1]: ["wrong"], ids[2]: ["right"]}
    assert len(client.predictions(project_id=number)) == 3


def test_a_prediction_that_does_not_fit_the_config_is_refused_on_every_way_in(
    client: Client, project: Callable[..., int]
) -> None:
    number = project(CONFIG)
    (one,) = client.import_tasks(number, [task("u")])
    create = client.connection
    unknown_control = prediction("right", task=one) | {"result": [results("right")[0] | {"from_name": "nothing"}]}
    for call in (
        lambda: client.import_tasks(number, [task("v"), task("w", "perhaps")]),
        lambda: client.import_predictions(number, [prediction("perhaps", task=one)]),
        lambda: create.call("POST", "api/predictions/", body=prediction("perhaps", task=one)),
        lambda: client.import_predictions(number, [unknown_control]),
    ):
        error = refused(call)
        assert error.status == 400
        assert "Region 0" in str(error)
    assert "right" in str(refused(lambda: client.import_tasks(number, [task("w", "perhaps")]))), "what would have been right"
    assert client.task_ids(number) == [one]
    assert len(client.predictions(project_id=number)) == 1


def test_what_is_wrong_with_a_config_is_said(client: Client) -> None:
    error = refused(lambda: client.create_project("a title", CONFIG.replace('toName="media"', 'toName="nothing"')))
    assert error.status == 400
    assert 'label_config: toName="nothing" not found' in str(error)


def test_a_media_folder_is_added_once(client: Client, project: Callable[..., int], label_studio) -> None:
    number = project(CONFIG)
    folder = label_studio.media_root / "robot"
    folder.mkdir(exist_ok=True)
    first = client.add_media_folder(number, str(folder))
    assert client.add_media_folder(number, str(folder)) == first
    assert refused(lambda: client.add_media_folder(number, str(label_studio.media_root.parent))).status == 400
    assert refused(lambda: client.add_media_folder(number, str(label_studio.media_root))).status == 400


def test_both_kinds_of_token_work(label_studio) -> None:
    email, password = f"{uuid.uuid4().hex}@example.com", uuid.uuid4().hex
    sign_up(invitation(label_studio.client), email, password)
    first = personal_access_token(label_studio.url, email, password)
    second = personal_access_token(label_studio.url, email, password)
    assert refused(lambda: Client(label_studio.url, first).me()).status == 401
    with Client(label_studio.url + "/", second) as member:
        assert member.me().email == email
        assert {label_studio.running.username, email} <= {user.email for user in member.users()}
    assert len(session_cookie(label_studio.url, email, password)) > 40
    assert label_studio.client.me().email == label_studio.running.username


def test_no_error_and_no_log_shows_a_secret(
    client: Client, project: Callable[..., int], label_studio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    running = label_studio.running
    email, password = f"{uuid.uuid4().hex}@example.com", uuid.uuid4().hex
    invited = invitation(client)
    sign_up(invited, email, password)
    personal = personal_access_token(running.url, email, password)
    cookie = session_cookie(running.url, email, password)
    with Client(running.url, personal) as member:
        access = member.connection.sdk._client_wrapper._tokens_client.api_key
        failing: list[Callable[[], object]] = [
            lambda: client.project(10**9),
            lambda: client.create_project("x", CONFIG),
            lambda: member.project(10**9),
            lambda: member.import_tasks(project(CONFIG), [task("u", "perhaps")]),
            lambda: Client(running.url, "0123456789abcdef" * 2 + "01234567").me(),
            lambda: Client("http://127.0.0.1:1", running.token, read_again=0).me(),
            lambda: Client(running.url, running.token, timeout=0.0001, read_again=0).users(),
            lambda: personal_access_token(running.url, email, "not the password"),
            lambda: sign_up(invited, email, password),
            lambda: sign_up(invited[:-3] + "abc", "b@example.com", password),
        ]
        seen = ""
        for call in failing:
            error = refused(call)
            seen += "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__)
            assert error.__context__ is None, "the error below holds the request, and that the token"
            assert error.__cause__ is None
    said = seen + caplog.text
    assert "httpcore" in caplog.text, "nothing was logged, so that nothing was shown"
    secrets = {
        "legacy": running.token, "password": running.password, "personal": personal, "access": access, "cookie": cookie,
        "member": password, "invitation": invited.split("token=")[1], "wrong": "0123456789abcdef" * 2,
    }  # fmt: skip
    assert {name for name, secret in secrets.items() if secret in said} == set()
    assert "sessionid" not in said


def test_opening_a_task_in_the_label_stream_shows_its_proposal(
    client: Client, project: Callable[..., int], label_stream: Callable[[int], Any], label_studio
) -> None:
    """Also a proposal that replaced another. What was submitted untouched is what was proposed."""
    number = project(CONFIG, instruction="<p>Say whether it is right.</p>")
    (one,) = client.import_tasks(number, [task("u", "right")])
    client.replace_predictions(number, [prediction("wrong", task=one)])
    page = label_stream(number)
    assert page.get_by_role("radio", name="wrong").is_checked()
    assert not page.get_by_role("radio", name="right").is_checked()
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/annotations" in answer.url):
        page.get_by_test_id("bottombar-submit-button").click()
    (saved,) = client.annotations(one)
    assert saved["parent_prediction"] == client.predictions(task_id=one)[0]["id"]
    assert saved["result"] == [results("wrong")[0] | {"origin": "prediction"}]
    assert saved["lead_time"] > 0


# A server that fails in ways of our choice


@dataclass
class Small:
    """Answers from a list, then 200; remembers what it was asked."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    stall: float = 0.0
    longest: int = 100_000
    default: bytes = b'{"id": 1, "email": "a@b.c"}'
    refused: int = 0


@pytest.fixture
def small() -> Iterator[Small]:
    state = Small()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.asked.append((self.command, self.path))
            time.sleep(state.stall)
            status, headers, body = state.answers.pop(0) if state.answers else (200, {}, state.default)
            if len(self.path) > state.longest:
                status, body = 414, b""
                state.refused += 1
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            for name, value in {"Set-Cookie": "sessionid=from-the-small-server", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status", [500, 502, 503, 409, 429, 408])
def test_what_creates_something_is_asked_once(small: Small, status: int) -> None:
    for call in (
        lambda client: client.import_tasks(1, [task("u")]),
        lambda client: client.import_predictions(1, [prediction("right", task=1)]),
        lambda client: client.create_annotation(1, []),
        lambda client: client.create_project("abc", CONFIG),
        lambda client: client.delete_annotation(1),
        lambda client: client.update_project(1, title="abc"),
    ):
        small.asked, small.answers = [], [(status, {}, b"{}")]
        client = Client(small.url, "t" * 40)
        assert refused(lambda call=call, client=client: call(client)).status == status
        assert len(small.asked) == 1


def test_what_only_reads_is_asked_again(small: Small) -> None:
    small.answers = [(503, {}, b""), (500, {}, b"")]
    assert Client(small.url, "t" * 40).me().id == 1
    assert len(small.asked) == 3
    small.asked, small.answers = [], [(503, {}, b"")]
    assert refused(lambda: Client(small.url, "t" * 40, read_again=0).me()).unknown_outcome
    assert len(small.asked) == 1


def test_every_failure_is_told_from_the_others(small: Small) -> None:
    def fail(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> LabelStudioError:
        small.answers = [(status, headers or {}, body)]
        return refused(lambda: Client(small.url, "t" * 40, timeout=0.5).import_tasks(1, []))

    busy = fail(429, {"Retry-After": "7"})
    assert (busy.status, busy.retry_after, busy.unknown_outcome) == (429, 7.0, False)
    assert "asks to wait for 7 s" in str(busy)
    broken = fail(500, body=b"<!doctype html><html><body>sessionid=secretsecret</body></html>")
    assert broken.unknown_outcome
    assert "html" not in str(broken)
    assert "cairn review logs" in str(broken)
    lost = fail(0)
    assert (lost.status, lost.unreachable, lost.unknown_outcome) == (None, True, True)
    assert "broke the connection" in str(lost)
    stranger = fail(200, body=b"<html>Welcome to our hotel</html>")
    assert "no Label Studio" in str(stranger)
    assert stranger.unknown_outcome
    assert "does not say which tasks" in str(fail(200, body=b'{"import": 7}'))
    assert not fail(403).unknown_outcome
    small.stall = 2
    slow = fail(200)
    assert slow.unreachable
    assert "did not answer within 0.5 s" in str(slow)
    away = refused(lambda: Client("http://127.0.0.1:1", "t").import_tasks(1, []))
    assert away.unreachable
    assert "no Label Studio answers" in str(away)


def test_cookies_are_not_kept(small: Small) -> None:
    client = Client(small.url, "t" * 40)
    client.me()
    assert not list(client.connection._http.cookies.jar)


def test_a_server_below_a_path_renews_its_tokens_there(small: Small) -> None:
    def token(kind: str) -> str:
        parts = ({"alg": "HS256", "typ": "JWT"}, {"exp": 4_000_000_000, "token_type": kind})
        return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "c2ln"])

    for url in (f"{small.url}/below", f"{small.url}/below/"):
        small.asked = []
        small.answers = [(200, {}, json.dumps({"access": token("access")}).encode())]
        assert Client(url, token("refresh")).me().id == 1
        assert small.asked == [("POST", "/below/api/token/refresh/"), ("GET", "/below/api/current-user/whoami")]


def test_an_expired_token_is_said_to_be(small: Small) -> None:
    parts = ({"alg": "HS256"}, {"exp": 1, "token_type": "refresh"})
    token = ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "c2ln"])
    error = refused(lambda: Client(small.url, token))
    assert error.status == 401
    assert "expired" in str(error)
    assert token not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "text",
    [
        "unclosed token: line 1, column 0",
        "the label 'access' is unknown",
        "cookie jar on the table",
        "valid labels: ['password', 'access', 'token']",
        'the access: "open" or "closed"',
    ],
)
def test_redaction_leaves_ordinary_words(text: str) -> None:
    assert redact(text) == text
