"""Functions that decode run in a child process that lives long, does not import Beam, and may die.

Native decoders crash on bad files and hang on worse ones, and a Beam worker that dies hangs a local run for ever. In the
child that costs one trajectory and a fifth of a second for the next child (measured). A child that dies between two calls
(the kernel takes back memory) costs none: pebble gives its whole pool up then, so there is a new pool for the next call.
"""

from __future__ import annotations

import atexit
import os
import pickle
import sys
import threading
import types
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
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

    Raises what the function raises (RuntimeError for an exception that cannot be pickled), ChildDiedError, or ChildHungError.
    """
    for _ in range(2):  # a child that died before it had the call is no fault of the call
        pool = _pool()
        try:
            result: T = _awaited(pool, function, args, kwargs)
        except BrokenProcessPool:
            _give_up(pool)
        else:
            return result
    raise ChildDiedError(
        "the decoding process died twice before it began: it cannot import what it should call, or memory is short"
    )


def _awaited(pool: pebble.ProcessPool, function: Callable[..., T], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> T:
    """The result of one call in a pool. Raises as `supervised`, and BrokenProcessPool where no child took the call."""
    try:
        future = pool.schedule(_called, args=(function, args, dict(kwargs)), timeout=PATIENCE_SECONDS)
    except RuntimeError as error:
        raise BrokenProcessPool("the pool was given up before this call") from error
    while True:
        try:
            result: T = future.result(timeout=_LOOK_SECONDS)
        except FutureTimeoutError as error:
            if future.done():
                raise ChildHungError(f"no result within {PATIENCE_SECONDS:g} s") from error
            if not pool.active:
                raise BrokenProcessPool("the pool was given up while this call waited for it") from error
        except pebble.ProcessExpired as error:
            raise ChildDiedError(f"the decoding process died (exit code {error.exitcode})") from error
        else:
            return result


def _called(function: Callable[..., T], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> T:
    """Runs in the child. An exception that the parent could not make again would cost its pool, so its words are kept alone."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if _comes_back(error):
            raise
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


def _comes_back(error: Exception) -> bool:
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:  # noqa: BLE001 - it may fail with anything, since the constructors of foreign exceptions run
        return False


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


_LOOK_SECONDS = 5.0
"""How often a call that waits looks whether its pool is still there."""
_pool_lock = threading.Lock()
_pools: list[pebble.ProcessPool] = []


def _pool() -> pebble.ProcessPool:
    with _pool_lock:
        if not _pools:
            _pools.append(pebble.ProcessPool(max_workers=1, context=_Children()))
            atexit.register(_stop)
        return _pools[0]


def _give_up(pool: pebble.ProcessPool) -> None:
    """End a pool that no longer takes calls; the next call makes another."""
    with _pool_lock:
        if pool not in _pools:
            return  # another thread was faster
        _pools.remove(pool)
    atexit.unregister(_stop)
    pool.stop()
    pool.join()


def _stop() -> None:
    for pool in _pools:
        pool.stop()
        pool.join()
    _pools.clear()
