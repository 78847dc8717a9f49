"""The process in which chains run. It is kept from job to job of a command: Beam takes longer to import than a small job to run.

Local Beam runners hang for ever when a worker dies, so a chain never runs in the process that a person started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from pipelines.engine.launch import LOG

GRACE_SECONDS = 5.0
"""How long the process may take to end by itself."""


class Chains:
    """Runs plans (a pickled `Launch` in a file), one after the other, in a process that the first of them starts."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Chains:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end(orderly=True)

    @contextmanager
    def running(self, plan: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Hand over a plan; its process. An exception in the block kills it.

        The file is deleted once its chain has run; what the chain says is in `LOG` beside it.
        """
        if self._process is not None and self._process.poll() is not None:
            self._end(orderly=False)
        if self._process is None:
            self._process = _started(plan.with_name(LOG))
        self._tell(os.fsencode(plan))
        try:
            yield self._process
        except BaseException:
            self._end(orderly=False)
            raise

    def _end(self, orderly: bool) -> None:
        """End the process with all it started; `orderly`: it has no chain under way and may finish what it has open."""
        process = self._process
        if process is None:
            return
        if orderly:
            self._tell(b"")
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
        self._process = None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def _tell(self, name: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # that it is gone is seen by whoever waits for it
            self._process.stdin.write(name + b"\0")


def _started(log: Path) -> subprocess.Popen[bytes]:
    """The process, in a group of its own, listening on its standard input."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # worker pools start plain `python`
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.engine.launch"],
            bufsize=0,  # nothing is left in a buffer, to fail when the pipe is closed
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=os.environ | {"PATH": path},
        )
