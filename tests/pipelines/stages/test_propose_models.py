"""Models in the propose job: what is not there is lacking and asked for later, what fails is a reject, others are kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines.engine import supervise
from pipelines.engine.job import finished, read_outcome
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.shard import Outcome
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose

LIFT = Path(__file__).resolve().parents[3] / "examples/data/lift"
CLIP = {"start": 0, "end": 70, "skill": "transfer", "text": "lift the red cube"}
SECRET = "k-secret-987654"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A chat endpoint that answers with `status` and `clips`; not yet named in the environment."""
    said: dict[str, Any] = {"status": 200, "clips": [CLIP], "asked": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            said["asked"] += 1
            content = json.dumps({"clips": said["clips"]})
            data = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
            self.send_response(said["status"])
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    said["url"] = f"http://127.0.0.1:{http.server_address[1]}"
    monkeypatch.delenv("CAIRN_VLM_URL", raising=False)
    monkeypatch.delenv("CAIRN_MODELS_CACHE", raising=False)
    monkeypatch.setenv("CAIRN_VLM_KEY", SECRET)
    supervise._stop()  # the decode child keeps the environment that it was started with
    yield said
    supervise._stop()
    http.shutdown()
    http.server_close()


@pytest.fixture
def propose(tmp_path: Path) -> Propose:
    recipe = Recipe.model_validate(
        {
            "name": "models", "license": "mit", "workspace": str(tmp_path / "out"),
            "annotators": ["models.subtasks", "robot.clips"],
            "sources": [{"name": "lift", "reader": "lerobot", "uri": str(LIFT), "license": "mit"}],
        }
    )  # fmt: skip
    job = Propose(recipe, Store(recipe.workspace_uri))
    build(Ingest(job.recipe, job.store))
    return job


def build(job: Any) -> None:
    """What of the job is not finished, without Beam."""
    present = job.store.sizes(job.folder)
    for key in job.plan().keys:
        if finished(job.store, job.name, key, present) is None:
            job.write(job.check(job.work(job.read(key))))


def outcome(job: Propose) -> Outcome:
    (key,) = [key for key in job.plan().keys if key.spec["annotator"] == "models.subtasks"]
    found = read_outcome(job.store, f"outcomes/propose/{key.name}.json")
    assert found is not None
    return found


def test_without_an_endpoint_the_layer_is_lacking_and_is_asked_for_once_there_is_one(
    propose: Propose, endpoint: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    build(propose)
    without = outcome(propose)
    assert without.counts == {"proposed_for": 0, "lacking": 2, "annotations": 0}
    assert without.files == {}
    assert without.rejects == ()
    assert propose.store.sizes("propose/robot.clips")
    monkeypatch.setenv("CAIRN_VLM_URL", endpoint["url"])
    build(propose)
    found = outcome(propose)
    assert found.counts == {"proposed_for": 2, "lacking": 0, "annotations": 4}
    assert found.files["segments"].rows == 4
    assert endpoint["asked"] == 2
    build(propose)
    assert endpoint["asked"] == 2, "what is finished is not paid for again"
    workspace = Path(propose.recipe.workspace_uri.removeprefix("file://"))
    assert all(SECRET.encode() not in file.read_bytes() for file in workspace.rglob("*") if file.is_file())


def test_an_answer_that_cannot_be_taken_is_a_reject_and_what_can_is_kept(
    propose: Propose, endpoint: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint["clips"] = [CLIP | {"end": 40}, CLIP | {"start": 40, "skill": "grab"}]
    monkeypatch.setenv("CAIRN_VLM_URL", endpoint["url"])
    build(propose)
    found = outcome(propose)
    assert found.counts["annotations"] == 4
    assert [reject.code for reject in found.rejects] == ["answer_clip_wrong"] * 2
    assert found.rejects[0].message.startswith("models.subtasks: clip 1 of the answer: skill 'grab'")
    assert {reject.native_id for reject in found.rejects} == {"episode_000000", "episode_000001"}


def test_an_endpoint_that_refuses_is_a_reject_with_its_code_and_without_the_key(
    propose: Propose, endpoint: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint["status"] = 401
    monkeypatch.setenv("CAIRN_VLM_URL", endpoint["url"])
    build(propose)
    found = outcome(propose)
    assert found.files == {}
    assert [reject.code for reject in found.rejects] == ["endpoint_refused"] * 2
    assert "set CAIRN_VLM_KEY" in found.rejects[0].message
    assert SECRET not in str(found.rejects)
    assert "127.0.0.1" not in str(found.rejects)
