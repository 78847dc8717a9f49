"""Sentences of errors, waits, and the question whether something has arrived."""

from __future__ import annotations

import errno

import httpx2
import pytest
from huggingface_hub.errors import HfHubHTTPError

from pipelines.errors import CairnError, ConfigurationError, RunError
from pipelines.publish.patience import MeanwhileError, Patience, sentence


def answered(status: int, message: str = "why", **headers: str) -> HfHubHTTPError:
    response = httpx2.Response(status, headers=headers, request=httpx2.Request("POST", "http://hub/api"))
    return HfHubHTTPError(message, response=response, server_message=message)


def raising(*errors: Exception):  # type: ignore[no-untyped-def]
    """A call that raises these in turn and then works."""
    left = list(errors)

    def work() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return work


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (answered(401), ConfigurationError, "settings/tokens"),
        (answered(403, "no rights"), ConfigurationError, "no rights"),
        (answered(412), MeanwhileError, "nothing was changed"),
        (answered(413), RunError, "make shards smaller"),
        (answered(507), RunError, "no room left"),
        (OSError(errno.ENOSPC, "No space left on device"), RunError, "no room left"),
        (answered(429), RunError, "slow down"),
        (answered(503), RunError, "503"),
        (httpx2.ReadTimeout("late"), RunError, "check the network"),
        (ValueError("LFS batch API returned errors: quota"), RunError, "quota"),
        (RuntimeError("Data processing error: HTTP status client error (403 Forbidden)"), ConfigurationError, "403"),
    ],
)
def test_what_ends_a_call_is_a_sentence_with_the_remedy(error: Exception, kind: type[CairnError], said: str) -> None:
    found = sentence("uploading x", error)
    assert type(found) is kind
    assert str(found).startswith("uploading x: ")
    assert said in str(found)


def test_no_token_is_ever_said() -> None:
    told = "bad token hf_abcDEF0123456789 in header Authorization: Bearer eyJhbGciOi.x"
    for error in (answered(403, told), RuntimeError(told), ValueError(told)):
        assert "hf_abc" not in str(sentence("x", error))
        assert "eyJ" not in str(sentence("x", error))


def test_waits_double_and_follow_what_is_asked() -> None:
    waits: list[float] = []
    patience = Patience(first_wait=2, sleep=waits.append)
    asked = answered(429, RateLimit='"api";r=0;t=9')
    assert patience.call("x", raising(answered(503), answered(500), asked, httpx2.ConnectError("no"))) == "done"
    assert waits == [2, 4, 10, 16]


def test_what_cannot_pass_is_not_tried_again() -> None:
    waits: list[float] = []
    for status in (400, 401, 403, 404, 412, 413, 507):
        with pytest.raises(CairnError):
            Patience(sleep=waits.append).call("x", raising(answered(status)))
    assert waits == []


def test_what_arrived_is_not_done_again() -> None:
    calls: list[str] = []

    def work() -> str:
        calls.append("work")
        raise httpx2.RemoteProtocolError("cut")

    assert Patience(sleep=lambda _: None).call("x", work, lambda: "arrived") == "arrived"
    assert calls == ["work"]


def test_looking_is_patient_as_well() -> None:
    look = raising(answered(503), answered(503))
    assert Patience(sleep=lambda _: None).call("x", raising(answered(504)), look) == "done"
