"""Make Cairn's example ARC traces: its own puzzles, played in a small editor, in BrainGridGame's file layout.

    python -m tools.recorders.arc examples/data/arc --tasks examples/data/arc_tasks

Clocks and pauses are part of the script, so that the files are the same bytes wherever they are made. They were played by
a script, not by a person, and say so: `user` is `cairn-recorder`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .arc_editor import Editor, Grid
from .arc_puzzles import PUZZLES, TRACES, Puzzle, Rows, Trace

_QUICK = frozenset({"draw", "create selection update"})


def main(arguments: list[str] | None = None) -> None:
    """Write every trace of `arc_puzzles` as `<name>.json` into a folder, and every puzzle into another."""
    parser = argparse.ArgumentParser(prog="python -m tools.recorders.arc", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument(
        "folder", type=Path, metavar="OUT_DIR", help="where the files go; made if absent, files of one name replaced"
    )
    parser.add_argument(
        "--tasks", type=Path, metavar="TASKS_DIR", help="where the puzzles go, as ARC-AGI-1 publishes its tasks"
    )
    given = parser.parse_args(arguments)
    texts = {given.folder / f"{trace.name}.json": trace_text(trace) for trace in TRACES}
    if given.tasks is not None:
        texts |= {given.tasks / f"{puzzle.name}.json": task_text(puzzle) for puzzle in PUZZLES}
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path)


def trace_text(trace: Trace) -> str:
    """The file of one trace."""
    return json.dumps(record(trace), separators=(",", ":")) + "\n"


def task_text(puzzle: Puzzle) -> str:
    """The file of one puzzle: demonstrations and tests with their answers."""
    pairs = {"train": puzzle.demonstrations, "test": puzzle.tests}
    grids = {
        name: [{"input": grid_of(first), "output": grid_of(answer)} for first, answer in of_name]
        for name, of_name in pairs.items()
    }
    return json.dumps(grids, separators=(",", ":")) + "\n"


def record(trace: Trace) -> dict[str, Any]:
    """The trace played, as the file's object. Raises KeyError for an unknown puzzle or move."""
    puzzle = {puzzle.name: puzzle for puzzle in PUZZLES}[trace.puzzle]
    editor = Editor([(grid_of(first), grid_of(answer)) for first, answer in puzzle.tests], pauses(trace.seed))
    moves = _moves(editor)
    editor.welcome()
    for name, *arguments in trace.moves:
        moves[name](*arguments)
    return {
        "fileType": "ARC-Interactive, history file, version 0.1.0",
        "startTime": trace.started,
        "user": "cairn-recorder",
        "dataset": "cairn-puzzles",
        "task": puzzle.name,
        "summary": editor.summary,
        "history": editor.history,
    }


def grid_of(rows: Rows) -> Grid:
    """Rows of digits as a grid."""
    return [[int(digit) for digit in row] for row in rows]


def pauses(seed: int) -> Callable[[str], int]:
    """Milliseconds before an event: a stroke goes on within a blink, other things take a second or so."""
    generator = random.Random(seed)
    return lambda action: generator.randrange(16, 80) if action in _QUICK else generator.randrange(400, 3200)


def _moves(editor: Editor) -> dict[str, Callable[..., None]]:
    """The words of `Trace.moves`."""
    return {
        "fits": editor.fits,
        "pages": editor.pages,
        "reveal": editor.reveal,
        "editor": editor.editor,
        "overview": editor.overview,
        "panel": editor.panel_of_tools,
        "activate": editor.activate,
        "tool": editor.tool,
        "colour": editor.colour,
        "select": editor.select,
        "draw": editor.draw,
        "fill": editor.fill,
        "move": editor.move,
        "flip": editor.flip,
        "rotate": editor.rotate,
        "resize": editor.resize,
        "crop": editor.crop,
        "copy": editor.copy,
        "paste": editor.paste,
        "paste_reject": editor.paste_reject,
        "undo": editor.undo,
        "redo": editor.redo,
        "start_over": editor.start_over,
        "submit": editor.submit,
    }


_DESCRIPTION = """Play Cairn's own ARC puzzles in a small editor and write what was done as JSON files, one per visit, in
the layout of BrainGridGame; and the puzzles with their answers. The readers `braingridgame` and `arc_tasks` take them,
`arc.replay` computes every grid again, and `arc.noop` says which edits changed nothing."""

_EPILOG = """To add a puzzle or a way to play it, add data to tools/recorders/arc_puzzles.py: grids are rows of digits, a
trace is a list of moves such as ("select", 0, 1, 5, 1) and ("move", "right"). Then run this again over examples/data/arc
and examples/data/arc_tasks. The same data always gives the same bytes."""


if __name__ == "__main__":
    main()
