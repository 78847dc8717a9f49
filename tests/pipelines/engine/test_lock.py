"""One run at a time: a second one is refused, and a dead one holds nothing."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from pipelines.engine.lock import workspace_lock
from pipelines.errors import ConfigurationError
from pipelines.io.store import Store

HOLD = """
import sys, time
from pipelines.engine.lock import workspace_lock
from pipelines.io.store import Store
with workspace_lock(Store(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("root", ["{}/w", "file://{}/w", "local://{}/w"])
def test_a_second_holder_is_refused_and_the_first_frees_it(tmp_path: Path, root: str) -> None:
    store = Store(root.format(tmp_path))
    with workspace_lock(store):
        assert (tmp_path / "w" / "lock").exists()
        with pytest.raises(ConfigurationError, match=r"in use by process \d+: wait for that run to end") as error:  # noqa: SIM117
            with workspace_lock(store):
                pass
        assert error.value.exit_code == 2
    with workspace_lock(store):
        pass


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    with pytest.raises(ValueError, match="so"), workspace_lock(store):
        raise ValueError("so")
    with workspace_lock(store):
        pass


def test_two_workspaces_do_not_mind_each_other(tmp_path: Path) -> None:
    with workspace_lock(Store(str(tmp_path / "a"))), workspace_lock(Store(str(tmp_path / "b"))):
        pass


def test_a_holder_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ConfigurationError, match=f"process {holder.pid}"), workspace_lock(Store(str(tmp_path))):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with workspace_lock(Store(str(tmp_path))):
        pass


def test_on_an_object_store_the_lock_is_an_object() -> None:
    store = Store(f"memory://{uuid.uuid4().hex}")
    with workspace_lock(store):
        assert store.list("") == ["lock"]
        with (
            pytest.raises(
                ConfigurationError, match=r"in use by process \d+ on .* since .*; if that run is gone, delete memory://"
            ),
            workspace_lock(store),
        ):
            pass
    assert store.list("") == []
    with pytest.raises(ValueError, match="so"), workspace_lock(store):
        raise ValueError("so")
    assert store.list("") == []
