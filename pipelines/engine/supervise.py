"""Functions that decode run in a child process that lives long, does not import Beam, and may die.

Native decoders crash on bad files and hang on worse ones, and a Beam worker that dies hangs a local run for ever. In the
child that costs one trajectory and a fifth of a second for the next child (measured).
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import types
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, ParamSpec, TypeVar

import pebble

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_SECONDS = float(os.environ.get("CAIRN_DECODE_PATIENCE", "600"))
"""How long one call may take. A two-hour recording is copied in well under a minute; what takes longer hangs."""


class ChildDiedError(Exception):
    """The child died under a call: a crash of native code, or the kernel's memory limit."""


class ChildHungError(Exception):
    """A call took longer than patience; the child was killed."""


def supervised(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a module-level function in the child; arguments and result are pickled.

    Raises what the function raises, ChildDiedError, or ChildHungError.
    """
    future = _pool().schedule(function, args=args, kwargs=dict(kwargs), timeout=PATIENCE_SECONDS)
    try:
        result: T = future.result()
    except FutureTimeoutError as error:
        raise ChildHungError(f"no result within {PATIENCE_SECONDS:g} s") from error
    except pebble.ProcessExpired as error:
        raise ChildDiedError(f"the decoding process died (exit code {error.exitcode})") from error
    return result


class _Children(SpawnContext):
    """Spawned processes that do not import their parent's main module: in a worker that would be Beam."""

    class Process(SpawnProcess):
        @staticmethod
        def _Popen(process: Any) -> Any:  # noqa: N802 - the name is multiprocessing's
            main, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
            try:
                return SpawnProcess._Popen(process)
            finally:
                sys.modules["__main__"] = main


_pool_lock = threading.Lock()
_pools: list[pebble.ProcessPool] = []


def _pool() -> pebble.ProcessPool:
    with _pool_lock:
        if not _pools:
            _pools.append(pebble.ProcessPool(max_workers=1, context=_Children()))
            atexit.register(_stop)
        return _pools[0]


def _stop() -> None:
    for pool in _pools:
        pool.stop()
        pool.join()
    _pools.clear()
