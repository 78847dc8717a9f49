"""ARC-AGI-3: what agents did in games, as the ARC-AGI-3-Agents repository records it, one file per game.

    {game_id}.{agent}.{max_actions}.{guid}.recording.jsonl, a line per action:
    {"timestamp": "2026-01-02T03:04:05.6+00:00",
     "data": {"game_id", "frame": [grid, …], "state": "NOT_FINISHED" | "WIN" | "GAME_OVER", "levels_completed" | "score",
              "action_input": {"id": 6, "data": {"x", "y"}, "reasoning"}, "guid", "full_reset", "available_actions"}}

A line is written *after* its action: the last grid of `frame` is `grid_after`, those before it are `grids_between`, and
`grid_before` is what the line before showed. Grids are up to 64 x 64, colours 0 to 15; `x` is a column, `y` a row.
`timestamp` is when the answer of the game was written down. `source_action` is the line's `data` without its grids.

Two faults of the recorder are known (its issues 91 and 92). One loses every action: each line then says RESET (id 0), and
what is left looks like a game of plausible length. Such a file is rejected, unless the option `lost_actions` keeps it, and
then no step has a name. The other never writes the first state: a file that doesn't begin with a reset is kept and says so.

A scorecard as the last line is no step and goes into `extras`. A last line that was cut off in the writing is left out,
and `completeness` says so; any other line that is not as above rejects the file, since each builds on the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import numpy as np

from pipelines.formats.arc.field_map import Word, in_our_words
from pipelines.formats.arc.grids import Grid, grid_of
from pipelines.formats.arc.json_lines import objects_of
from pipelines.formats.arc.step_columns import ArcStep, step_columns
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

SUFFIX = ".recording.jsonl"
MAX_FRAME_SIDE, MAX_FRAME_COLOUR = 64, 15

WORDS: Mapping[str, Word] = {
    "0": Word("game_reset"),
    **{str(number): Word(f"game_action_{number}") for number in (1, 2, 3, 4, 5, 7)},
    "6": Word("game_action_6", {"x": "x", "y": "y"}),
}
"""Action id → word. 0 resets, 1 to 5 and 7 are buttons, 6 is a click on a cell."""

BYTES_PER_STEP = 12_500
"""One grid of 64 x 64 with separators is 12 kB of JSON: how many steps a file has, for cutting shards without reading it."""

_UNNAMED = {"agent": f"the file's name is not {{game_id}}.{{agent}}.{{max_actions}}.{{guid}}{SUFFIX}"}


class ArcAgi3Options(Options):
    """`lost_actions`: keep files whose actions were lost in recording, with steps that have no name. `agent_type`: who played."""

    lost_actions: bool = False
    agent_type: Literal["human", "model", "script"] = "model"


@dataclass(frozen=True, slots=True)
class RecordingName:
    """What the name of a recording says: game, agent, most actions allowed (None where it is no number), guid."""

    game_id: str
    agent: str
    max_actions: int | None
    guid: str


@dataclass
class _Game:
    """The lines of a recording, in order: steps, states, and what stands beside them."""

    steps: list[ArcStep] = field(default_factory=list)
    ids: list[int | None] = field(default_factory=list)
    stamps: list[datetime | None] = field(default_factory=list)
    scorecard: Mapping[str, Any] | None = None
    cut_off: int | None = None

    @property
    def lines(self) -> list[Mapping[str, Any]]:
        """What each line says, without its grids."""
        return [step.source or {} for step in self.steps]


class ArcAgi3:
    """Reads recordings of ARC-AGI-3 games."""

    version: ClassVar[str] = "1"
    native: ClassVar[bool] = False
    options: ClassVar[type[Options]] = ArcAgi3Options

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per file; of a folder the *.recording.jsonl files alone. Raises Rejected where there is none."""
        for file in list_files(source.uri, f"**/*{SUFFIX}"):
            yield Ref(file.name.removesuffix(SUFFIX), (file,), steps=file.size // BYTES_PER_STEP)

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None: the columns of `arc_steps` hold it all."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Trajectory]:
        """The one trajectory of a file. Raises Rejected where the file cannot be taken."""
        yield trajectory_of(ref.native_id, files.only, cast(ArcAgi3Options, source.options))


READER = ArcAgi3


def recording_name(name: str, game_id: str | None = None) -> RecordingName | None:
    """What a file's name (without folder and suffix) says; None where it is not the recorder's.

    It is read from the right, since a game's name may hold dots. So may an agent's: `game_id`, as the lines say it, tells
    the two apart.
    """
    parts = name.split(".")
    if game_id is not None and name.startswith(f"{game_id}."):
        parts = name.removeprefix(f"{game_id}.").split(".")
        parts = [game_id, ".".join(parts[:-2]), *parts[-2:]]
    elif len(parts) > 4:
        parts = [".".join(parts[:-3]), *parts[-3:]]
    if len(parts) != 4 or not all(parts):
        return None
    game, agent, most, guid = parts
    return RecordingName(game, agent, int(most) if most.isascii() and most.isdigit() and len(most) < 10 else None, guid)


def trajectory_of(native_id: str, path: Path, options: ArcAgi3Options) -> Trajectory:
    """The trajectory of one recording.

    Raises Rejected: `actions_lost`, `line_invalid`, `json_invalid`, `action_invalid`, `time_invalid`, `no_steps`, and what
    `grid_of` raises.
    """
    game = _game(native_id, path)
    if not game.steps:
        raise Rejected("no_steps", f"{native_id}: no line holds an action or a frame: there is nothing to take")
    said = next((line["game_id"] for line in game.lines if isinstance(line.get("game_id"), str)), None)
    name = recording_name(native_id.rsplit("/", 1)[-1], said)
    lost = _actions_lost(game)
    if lost and not options.lost_actions:
        message = (
            f"{native_id}: all {len(game.steps)} actions are RESET while the frames change: the actions were lost at recording "
            "(ARC-AGI-3-Agents#91); record again with the fault mended, or set the option lost_actions to keep the frames"
        )
        raise Rejected("actions_lost", message)
    steps = [replace(step, name=None, arguments={}, selection=None) for step in game.steps] if lost else game.steps
    task_id = said or (name.game_id if name is not None else None)
    last = game.lines[-1]
    extras = {
        "guid": name.guid if name is not None else last.get("guid"),
        "max_actions": name.max_actions if name is not None else None,
        "state": last.get("state"),
        "win_levels": last.get("win_levels"),
        "scorecard": game.scorecard,
    }
    header = {
        "domain": "arc",
        "task_id": task_id,
        "agent": name.agent if name is not None else None,
        "agent_type": options.agent_type,
        **_outcome(game),
        "started_at": game.stamps[0],
        "completeness": (_missing(game, lost) | (_UNNAMED if name is None else {})) or None,
        "extras": {key: value for key, value in extras.items() if value is not None},
    }
    tasks = [{"task_id": task_id, "domain": "arc", "collection": "ARC-AGI-3"}] if task_id is not None else []
    return Trajectory(native_id, header, {"arc_steps": step_columns(steps, task_id), "tasks": tasks})


def _game(native_id: str, path: Path) -> _Game:
    """The lines of a file. Raises Rejected with the number of the line that cannot be taken."""
    game = _Game()
    last: Rejected | None = None
    for number, line in objects_of(path, native_id):
        where = f"{native_id}, line {number}"
        if last is not None:
            raise last
        if isinstance(line, Rejected):
            last, game.cut_off = line, None if line.detail is None or line.detail["ended"] else number
            continue
        data = line.get("data")
        if not isinstance(data, dict):
            raise Rejected("line_invalid", f"{where}: it holds no object `data`: correct the line or leave the file out")
        if "frame" not in data and "action_input" not in data:
            game.scorecard = data
            last = Rejected("line_invalid", f"{where}: `data` has neither `frame` nor `action_input`, and is not the last line")
            continue
        _add(game, data, _instant(line.get("timestamp"), where), where)
    if last is not None and game.scorecard is None and (game.cut_off is None or not game.steps):
        raise last
    return game


def _add(game: _Game, data: Mapping[str, Any], stamp: datetime | None, where: str) -> None:
    """Take up one line. Raises Rejected as `_grids` and `_action` do."""
    grids = _grids(data.get("frame"), where)
    action, said = _action(data.get("action_input"), where)
    name, arguments = (None, {}) if action is None else in_our_words(WORDS, str(action), said)
    game.ids.append(action)
    game.stamps.append(stamp)
    game.steps.append(
        ArcStep(
            name,
            arguments,
            {key: value for key, value in data.items() if key != "frame"},
            game.steps[-1].after if game.steps else None,
            grids[-1] if grids else None,
            None if stamp is None or game.stamps[0] is None else (stamp - game.stamps[0]).total_seconds(),
            between=grids[:-1] or None,
            selection=_clicked(arguments),
        )
    )


def _grids(frame: Any, where: str) -> list[Grid]:
    """The grids of a frame; none where it is absent or empty, as before a game has begun."""
    if frame is None:
        return []
    if not isinstance(frame, list):
        raise Rejected("line_invalid", f"{where}: `frame` is no list of grids: correct the line or leave the file out")
    return [grid_of(grid, f"{where}, grid {n} of the frame", MAX_FRAME_SIDE, MAX_FRAME_COLOUR) for n, grid in enumerate(frame)]


def _action(said: Any, where: str) -> tuple[int | None, dict[str, Any]]:
    """(id, data) of an `action_input`; (None, {}) where the line has none. Raises Rejected (`action_invalid`)."""
    if said is None:
        return None, {}
    number = said.get("id") if isinstance(said, dict) else None
    if type(number) is not int or str(number) not in WORDS:
        message = f"{where}: the action is {str(number)[:40]!r}; known are the ids {', '.join(sorted(WORDS))}"
        raise Rejected("action_invalid", message, {"id": str(number)[:40]})
    data = said.get("data")
    return number, data if isinstance(data, dict) else {}


def _clicked(arguments: Mapping[str, Any]) -> list[list[int]] | None:
    x, y = arguments.get("x"), arguments.get("y")
    if type(x) is not int or type(y) is not int or not (0 <= x < MAX_FRAME_SIDE and 0 <= y < MAX_FRAME_SIDE):
        return None
    return [[y, x]]


def _actions_lost(game: _Game) -> bool:
    """Whether no line names an action other than RESET while the frames change (the recorder's issue 91)."""
    shown = [step.after for step in game.steps if step.after is not None]
    changing = any(not np.array_equal(shown[0], grid) for grid in shown[1:])
    return changing and not any(game.ids)


def _outcome(game: _Game) -> dict[str, Any]:
    """`success`: the last state is WIN or GAME_OVER; a game that was not finished was not decided. `score`: levels done."""
    last = game.lines[-1]
    success = {"WIN": True, "GAME_OVER": False}.get(str(last.get("state")))
    score = last.get("levels_completed", last.get("score"))
    known = type(score) in (int, float)
    return {
        "success": success,
        "score": float(score) if known else None,
        "success_by": "source" if success is not None else None,
    }


def _instant(text: Any, where: str) -> datetime | None:
    """A line's stamp; None where there is none. Raises Rejected (`time_invalid`) where it is no time with a zone."""
    if text is None:
        return None
    try:
        stamp = datetime.fromisoformat(text)
        if stamp.tzinfo is not None:
            return stamp.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass  # said below
    raise Rejected("time_invalid", f"{where}: `timestamp` is {str(text)[:80]!r}; it must be an ISO time with its zone")


def _missing(game: _Game, lost: bool) -> dict[str, Any]:
    """What the record lacks, for `completeness`."""
    notes: dict[str, Any] = {}
    if lost:
        notes["action_name"] = "the actions were lost at recording (ARC-AGI-3-Agents#91): every line says RESET"
    elif game.ids[0] != 0:
        notes["grid_before"] = "initial frame missing: the first line is no reset (ARC-AGI-3-Agents#92)"
    without = [number for number, step in enumerate(game.steps) if step.after is None]
    if without:
        notes["grid_after"] = {"reason": "these lines hold no frame", "steps": without}
    no_action = [number for number, action in enumerate(game.ids) if action is None]
    if no_action and not lost:
        notes["action_name"] = {"reason": "these lines hold no action", "steps": no_action}
    aimless = [
        n for n, (action, step) in enumerate(zip(game.ids, game.steps, strict=True)) if action == 6 and not step.selection
    ]
    if aimless:
        notes["action_args"] = {"reason": "these clicks have no cell inside 64 x 64", "steps": aimless}
    if None in game.stamps:
        notes["timestamp"] = "a line has no timestamp"
    if game.cut_off is not None:
        notes["lines"] = f"line {game.cut_off} was cut off in the writing and is left out"
    return notes
