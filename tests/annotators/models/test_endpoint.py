"""Patience, cache, cost and secrecy of the HTTP client, against a real server."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from annotators.models.endpoint import AnswerError, Cost, Endpoint, EndpointError, endpoint, missing, spent

ROOT = Path(__file__).resolve().parents[3]
KEY = "k-secret-123456"


def client(server, **settings):
    return Endpoint(server.url, "CAIRN_VLM", KEY, **({"wait": 0.01, "timeout": 5.0, "attempts": 3} | settings))


def whole(answer):
    return answer


def refusing(answer):
    raise AnswerError("answer_malformed", "no")


def test_a_question_is_posted_with_the_key_and_the_answer_read(server):
    server.say({"text": "yes", "usage": {"prompt_tokens": 7, "completion_tokens": 2}})
    asking = client(server)
    assert asking.ask("chat/completions", {"model": "m"}, lambda answer: answer["text"]) == "yes"
    path, headers, body = server.asked[0]
    assert (path, body) == ("/v1/chat/completions", {"model": "m"})
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert asking.cost == Cost(calls=1, prompt_tokens=7, completion_tokens=2)


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        ({"error": "slow down"}, 429, {"retry_after": "0.02"}),
        ({"error": "oops"}, 500, {}),
        (b"<html>bad gateway</html>", 502, {"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        (b"{not json", 200, {}),
    ],
)
def test_what_may_pass_is_asked_again(server, body, status, headers):
    server.say(body, status, **headers)
    server.say({"ok": True})
    asking = client(server)
    assert asking.ask("x", {}, whole) == {"ok": True}
    assert len(server.asked) == 2
    assert (asking.cost.calls, asking.cost.retries) == (1, 1)


def test_a_stall_is_given_up_and_asked_again(server):
    server.say("stall")
    server.say({"ok": True})
    assert client(server, timeout=0.3).ask("x", {}, whole) == {"ok": True}


def test_retry_after_is_waited_for(server, monkeypatch):
    slept, nap = [], time.sleep

    def sleep(seconds):  # of all threads: the server, and what other tests left running, may nap
        slept.append(seconds) if threading.current_thread() is here else nap(seconds)

    here = threading.current_thread()
    monkeypatch.setattr("tenacity.nap.time.sleep", sleep)
    server.say({}, 429, retry_after="7")
    server.say({}, 503, retry_after="9999")
    server.say({"ok": True})
    client(server).ask("x", {}, whole)
    assert slept == [7, 60]


def test_after_the_last_attempt_it_is_said_what_happened_and_an_endpoint_that_is_down_is_left_alone(server):
    server.say({"error": "oops"}, 500)
    asking = client(server, attempts=2)
    for _ in range(3):
        with pytest.raises(
            EndpointError, match=r"CAIRN_VLM gave no answer in 2 attempts, the last: status 500.*run again"
        ) as raised:
            asking.ask("x", {}, whole)
        assert raised.value.code == "endpoint_failed"
    assert len(server.asked) == 6
    with pytest.raises(EndpointError, match="not asked again") as raised:
        asking.ask("x", {}, whole)
    assert raised.value.code == "endpoint_down"
    assert len(server.asked) == 6
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.code, str(again)) == (raised.value.code, str(raised.value))


def test_a_port_that_nobody_listens_on_is_a_sentence_without_the_address(server):
    with pytest.raises(EndpointError, match="the connection failed") as raised:
        Endpoint("http://127.0.0.1:9", "CAIRN_VLM", KEY, attempts=2, wait=0.01).ask("x", {}, whole)
    assert "127.0.0.1" not in str(raised.value)


@pytest.mark.parametrize(("status", "remedy"), [(401, "set CAIRN_VLM_KEY"), (404, "see what CAIRN_VLM_URL takes")])
def test_a_refusal_is_not_repeated_and_shows_no_key_even_where_the_server_echoes_it(server, caplog, status, remedy):
    server.say({"error": f"bad key {KEY}"}, status, **{"set-cookie": "sessionid=abcdef123456"})
    with caplog.at_level(logging.DEBUG), pytest.raises(EndpointError) as raised:
        client(server).ask("x", {}, whole)
    assert len(server.asked) == 1
    assert raised.value.code == "endpoint_refused"
    assert remedy in str(raised.value)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert KEY not in str(raised.value) + repr(client(server)) + logged
    assert "sessionid=abcdef" not in logged


def test_an_answer_is_paid_for_once_and_one_that_was_not_taken_is_not_kept(server, tmp_path):
    server.answer = lambda body: {"said": body["q"], "usage": {"prompt_tokens": 10, "completion_tokens": 1}}
    first = client(server, folder=tmp_path)
    assert first.ask("x", {"q": 1}, whole)["said"] == 1
    with pytest.raises(AnswerError):
        first.ask("x", {"q": 2}, refusing)
    second = client(server, folder=tmp_path)
    assert second.ask("x", {"q": 1}, whole)["said"] == 1
    assert second.ask("x", {"q": 2}, whole)["said"] == 2
    assert second.ask("y", {"q": 1}, whole)["said"] == 1
    assert [body["q"] for _, _, body in server.asked] == [1, 2, 2, 1]
    assert second.cost == Cost(calls=2, cached=1, prompt_tokens=20, completion_tokens=2)
    assert spent(tmp_path) == Cost(calls=3, prompt_tokens=30, completion_tokens=3)
    kept = list(tmp_path.rglob("*"))
    assert not [path for path in kept if path.suffix == ".part"]
    assert all(KEY not in path.read_text() for path in kept if path.is_file())


def test_a_torn_file_of_the_cache_is_asked_for_again(server, tmp_path):
    server.say({"said": 1})
    client(server, folder=tmp_path).ask("x", {}, whole)
    (file,) = tmp_path.rglob("*.json")
    file.write_text('{"sai')
    assert client(server, folder=tmp_path).ask("x", {}, whole) == {"said": 1}
    assert json.loads(file.read_text()) == {"said": 1}


def test_many_are_asked_side_by_side_and_come_back_in_order(server):
    server.answer = lambda body: {"said": body["q"]}

    def read(answer):
        if answer["said"] == 3:
            raise AnswerError("answer_malformed", "three")
        return answer["said"]

    found = client(server, parallel=4).ask_all("x", [{"q": n} for n in range(12)], read)
    assert [one if isinstance(one, int) else str(one) for one in found] == [0, 1, 2, "three", *range(4, 12)]
    assert server.most_at_once <= 4
    assert client(server).ask_all("x", [], read) == []


def test_without_a_name_in_the_environment_there_is_no_endpoint(monkeypatch):
    monkeypatch.delenv("CAIRN_VLM_URL", raising=False)
    assert missing("CAIRN_VLM") == "no endpoint: set CAIRN_VLM_URL (see annotators/models)"
    with pytest.raises(EndpointError, match="set CAIRN_VLM_URL"):
        endpoint("CAIRN_VLM")


def test_one_process_has_one_client_per_endpoint(server):
    assert endpoint("CAIRN_VLM") is endpoint("CAIRN_VLM")
    assert endpoint("CAIRN_VLM") is not endpoint("CAIRN_SEGMENTER")


def test_the_core_finds_its_annotators_without_the_http_library():
    program = (
        "import sys; sys.modules['httpx'] = sys.modules['tenacity'] = sys.modules['label_studio_sdk'] = None\n"
        "from annotators.protocol import annotator, annotator_names\n"
        "assert {'models.captions', 'models.segmenter', 'robot.clips'} <= set(annotator_names())\n"
        "assert annotator('models.captions').lacks() is None\n"
        "import pipelines.stages.propose"
    )
    environment = {"CAIRN_VLM_URL": "http://127.0.0.1:9", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
