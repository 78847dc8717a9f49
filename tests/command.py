"""The `cairn` command in this process: what it does and says is the same, and an interpreter that starts costs a second."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, chdir
from pathlib import Path
from unittest.mock import patch

from typer.testing import CliRunner

from tools import console
from tools.cli import app


def cairn(*arguments: str | Path, folder: Path | None = None, columns: int = 250) -> subprocess.CompletedProcess[str]:
    """Run `cairn` with some arguments in a folder; its exit code and what it said on a terminal of so many columns."""
    words = [str(argument) for argument in arguments]
    with ExitStack() as for_now:
        if folder is not None:
            for_now.enter_context(chdir(folder))
        for where in (console.out, console.err):
            for_now.enter_context(patch.object(where, "_width", columns))
        done = CliRunner(env={"COLUMNS": str(columns)}).invoke(app, words, prog_name="cairn", catch_exceptions=False)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)
