"""One run at a time in a workspace: a second one is refused with a sentence."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pipelines.errors import ConfigurationError
from pipelines.io.store import Store

LOCK = "lock"


@contextmanager
def workspace_lock(store: Store) -> Iterator[None]:
    """Hold the workspace. Locally the kernel frees it when the holder dies; on an object store the lock is an object.

    Raises ConfigurationError where another run holds it.
    """
    if store.is_local:
        with _local(store.local_root):
            yield
        return
    held = store.read_json(LOCK)
    if held is not None:
        raise ConfigurationError(
            f"{store.root} is in use by process {held['pid']} on {held['host']} since {held['since']}; "
            f"if that run is gone, delete {store.uri(LOCK)}"
        )
    store.put_json(LOCK, {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S %z")})
    try:
        yield
    finally:
        store.delete(LOCK)


@contextmanager
def _local(root: Path) -> Iterator[None]:
    lock = FileLock(root / LOCK)
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        holder = (
            (root / f"{LOCK}.holder").read_text(encoding="utf-8") if (root / f"{LOCK}.holder").exists() else "another process"
        )
        raise ConfigurationError(
            f"{root} is in use by {holder}: wait for that run to end, or stop it; two runs would write the same files"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"workspace {root} cannot be written ({error.strerror}): name another, or mend its rights"
        ) from error
    try:
        (root / f"{LOCK}.holder").write_text(f"process {os.getpid()}", encoding="utf-8")
        yield
    finally:
        (root / f"{LOCK}.holder").unlink(missing_ok=True)
        lock.release()
