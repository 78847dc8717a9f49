"""The worked example of a reader for ARC traces: of Tilepad, an editor that does not exist, one JSON file per puzzle solved.

    {"puzzle": "belt", "player": "ann", "board": [[0, 0]],
     "moves": [{"do": "dot", "row": 0, "col": 1, "ink": "7", "ms": 1500, "board": [[0, 7]]}, {"do": "done", "ok": true, "ms": 9000}]}

`board` is the grid *after* a move, absent where the move left it as it was. In `pipelines/sources` this file would be all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pipelines.formats.arc.field_map import Word, in_our_words
from pipelines.formats.arc.grids import grid_of
from pipelines.formats.arc.json_text import value_of
from pipelines.formats.arc.step_columns import ArcStep, step_columns
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

WORDS = {
    "dot": Word("draw", {"x": "col", "y": "row", "color": "ink"}),
    "pour": Word("flood_fill", {"x": "col", "y": "row", "color": "ink"}),
    "size": Word("resize", {"width": "cols", "height": "rows"}, {"color": 0}),
    "back": Word("undo"),
    "done": Word("submit", {"correct": "ok"}),
}
"""The field map: Tilepad's moves in the words of `schemas.arc_operations`, and where the arguments of each stand."""


class Tilepad:
    """Reads what Tilepad saved."""

    version: ClassVar[str] = "1"
    native: ClassVar[bool] = False
    options: ClassVar[type[Options]] = Options

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per file."""
        for file in list_files(source.uri, "**/*.json"):
            yield Ref(file.name.removesuffix(".json"), (file,))

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Trajectory]:
        """The one trajectory of a file."""
        saved = value_of(files.only.read_bytes(), ref.native_id)
        try:
            steps = list(steps_of(saved))
            header = {"domain": "arc", "task_id": saved["puzzle"], "agent": saved["player"], "agent_type": "human"}
        except (KeyError, TypeError) as error:
            message = f"{ref.native_id}: a move is not as Tilepad saves it ({error!r}): save the puzzle again"
            raise Rejected("move_invalid", message) from error
        yield Trajectory(ref.native_id, header, {"arc_steps": step_columns(steps, saved["puzzle"])})


READER = Tilepad


def steps_of(saved: Mapping[str, Any]) -> Iterator[ArcStep]:
    """The steps of a saved puzzle: each starts from the board that the one before left."""
    moves = saved["moves"]
    board = grid_of(saved["board"], "the first board")
    for number, move in enumerate(moves):
        name, arguments = in_our_words(WORDS, move["do"], move)
        after = grid_of(move["board"], f"move {number} ({move['do']})") if "board" in move else board
        said = {key: value for key, value in move.items() if key != "board"}
        yield ArcStep(name, arguments, said, board, after, (move["ms"] - moves[0]["ms"]) / 1000, 0)
        board = after
