"""A double of the Hub for each test, and a client that does not wait for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import close_session, constants, set_client_factory

from pipelines.publish.hub import set_up_client
from tests.hub_double import HubDouble, running

TIMEOUT = 5.0


@pytest.fixture(autouse=True)
def _client() -> Iterator[None]:
    set_up_client(TIMEOUT)
    yield
    close_session()
    set_client_factory(lambda: httpx2.Client(follow_redirects=True, timeout=None))


@pytest.fixture(autouse=True)
def _without_xet(monkeypatch: pytest.MonkeyPatch) -> None:
    """LFS over HTTP, where each file is a call of its own; tests of Xet turn it on again."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def with_xet(_without_xet: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Uploads through Xet. Its cache knows Hubs by their port, and an earlier double with the same port held other blocks."""
    monkeypatch.setenv("HF_XET_CACHE", str(tmp_path / "xet"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubDouble]:
    with running(tmp_path / "hub") as double:
        yield double
