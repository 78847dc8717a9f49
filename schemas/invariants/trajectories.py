"""Checks of what happened: trajectories, their steps and their media."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..vocabularies import ACTION_KINDS, AGENT_TYPES, DOMAINS, STREAM_KINDS
from .violation import Check, Tables, Violation, floats, outside, runs, step_tables

MAX_GRID_SIDE = 100
"""The BrainGridGame editor resizes up to 100 x 100; ARC-AGI-3 frames are at most 64 x 64, ARC-AGI-1 and 2 at most 30 x 30."""
MAX_COLOUR = 15
"""ARC-AGI-3 colours go to 15, ARC-AGI-1 and 2 to 9."""

Runs = list[tuple[str, slice]]
_NO_LIMIT = np.iinfo(np.int32).max


def trajectory_ids_unique(tables: Tables) -> Iterator[Violation]:
    """`trajectory_twice`: two trajectories of one id."""
    ids = tables["trajectories"]["trajectory_id"]
    counts = ids.value_counts()
    for entry in counts.filter(pc.greater(counts.field("counts"), 1)).to_pylist():
        yield Violation(
            "trajectory_twice",
            f"{entry['values']} occurs {entry['counts']} times; ids are `<source>/<native id>` and must be unique",
            entry["values"],
        )


def words_known(tables: Tables) -> Iterator[Violation]:
    """`word_unknown`: a value outside a closed vocabulary of `trajectories` or a step table."""
    header = tables["trajectories"]
    for column, words in (("domain", DOMAINS), ("agent_type", AGENT_TYPES)):
        yield from outside(header, column, words)
    for name in step_tables(tables):
        yield from outside(tables[name], "action_kind", ACTION_KINDS)
    for row in header.select(["trajectory_id", "streams"]).to_pylist():
        for word in sorted({stream["kind"] for stream in row["streams"] or []} - {*STREAM_KINDS, None}):
            message = f"{row['trajectory_id']}: stream kind {word!r} is none of {', '.join(STREAM_KINDS)}"
            yield Violation("word_unknown", message, row["trajectory_id"])


def steps_counted(tables: Tables) -> Iterator[Violation]:
    """`steps_miscounted`: `num_steps` is not the number of rows of the step table. `trajectory_missing`: steps of none."""
    found: dict[str, int] = {}
    for name in step_tables(tables):
        for entry in tables[name]["trajectory_id"].value_counts().to_pylist():
            found[entry["values"]] = entry["counts"]
    header = tables["trajectories"]
    for trajectory_id, declared in zip(header["trajectory_id"].to_pylist(), header["num_steps"].to_pylist(), strict=True):
        if found.get(trajectory_id, 0) != declared:
            message = f"{trajectory_id}: num_steps is {declared}, the step table has {found.get(trajectory_id, 0)} rows"
            yield Violation("steps_miscounted", message, trajectory_id)
    for orphan in sorted(set(found) - set(header["trajectory_id"].to_pylist())):
        yield Violation("trajectory_missing", f"{orphan} has steps and no row in `trajectories`", orphan)


def steps_contiguous(tables: Tables) -> Iterator[Violation]:
    """`step_gap`: steps of a trajectory are not 0, 1, 2, …"""
    for name in step_tables(tables):
        steps = tables[name]["step"].to_numpy()
        owned = runs(tables[name])
        places = np.arange(len(steps)) - _starts(owned)
        for trajectory_id, run, row in _first_of_each(owned, steps != places):
            place = row - run.start
            message = f"{trajectory_id}: row {place} of {name} is step {steps[row]}, should be {place}"
            yield Violation("step_gap", message, trajectory_id)


def timestamps_ascend(tables: Tables) -> Iterator[Violation]:
    """`timestamp_back`, `timestamp_not_finite`: times that go back, or are no numbers."""
    for name in step_tables(tables):
        times = floats(tables[name]["timestamp"])
        nulls = tables[name]["timestamp"].is_null().to_numpy()
        owned = runs(tables[name])
        infinite = ~np.isfinite(times) & ~nulls
        suspected = infinite | nulls  # the last known time stands before the nulls
        suspected[1:] |= (times[1:] < times[:-1]) & (np.diff(_starts(owned)) == 0)
        for trajectory_id, run, _ in _first_of_each(owned, suspected):
            where = np.flatnonzero(~nulls[run])
            known = times[run][where]
            if infinite[run].any():
                step = int(where[~np.isfinite(known)][0])
                message = f"{trajectory_id}: timestamp of step {step} is NaN or infinite; one that was not recorded is null"
                yield Violation("timestamp_not_finite", message, trajectory_id)
                continue
            back = np.flatnonzero(np.diff(known) < 0)
            if len(back):
                step = int(where[back[0] + 1])
                before, after = known[back[0]], known[back[0] + 1]
                message = f"{trajectory_id}: timestamp of step {step} is {after:g} s, should be {before:g} s (of the step before) or later"
                yield Violation("timestamp_back", message, trajectory_id)


def numbers_finite(tables: Tables) -> Iterator[Violation]:
    """`value_not_finite`: NaN or infinity in a robot's lists of numbers. What was not recorded is null."""
    if "robot_steps" not in tables:
        return
    table = tables["robot_steps"]
    owned = runs(table)
    for field in table.schema:
        if not pa.types.is_list(field.type):
            continue
        column = table[field.name].combine_chunks()
        parents = []
        while pa.types.is_list(column.type):
            parents.append(column)
            column = column.flatten()
        if not pa.types.is_floating(column.type):
            continue
        wrong = np.flatnonzero(~np.isfinite(column.to_numpy(zero_copy_only=False)) & column.is_valid().to_numpy(False))
        for lists in reversed(parents) if len(wrong) else ():
            wrong = pc.list_parent_indices(lists).to_numpy()[wrong]
        rows = np.zeros(table.num_rows, bool)
        rows[wrong] = True
        for trajectory_id, run, row in _first_of_each(owned, rows):
            step = row - run.start
            message = f"{trajectory_id}: {field.name} of step {step} holds NaN or infinity; what was not recorded is null"
            yield Violation("value_not_finite", message, trajectory_id)


def grids_well_formed(tables: Tables) -> Iterator[Violation]:
    """`grid_malformed`: an ARC grid that is ragged, empty, above 100 a side, or has a colour above 15."""
    if "arc_steps" not in tables:
        return
    table = tables["arc_steps"]
    owners = table["trajectory_id"].to_pylist()
    steps = table["step"].to_pylist()
    for name in ("grid_before", "grid_after", "background"):
        for row, why in _malformed(table[name].combine_chunks()):
            yield Violation("grid_malformed", f"{owners[row]}: {name} of step {steps[row]} {why}", owners[row])
    between = table["grids_between"].combine_chunks()
    parents = pc.list_parent_indices(between).to_numpy()
    for grid, why in _malformed(between.flatten()):
        row = int(parents[grid])
        yield Violation("grid_malformed", f"{owners[row]}: grids_between of step {steps[row]} {why}", owners[row])


def frames_exist(tables: Tables) -> Iterator[Violation]:
    """`frame_missing`: a step points at a frame that its stream does not have."""
    if "robot_steps" not in tables:
        return
    table = tables["robot_steps"]
    frames = table["frames"].combine_chunks()
    if frames.null_count == len(frames):
        return
    counts = {
        row["trajectory_id"]: [stream["num_frames"] for stream in row["streams"] or []]
        for row in tables["trajectories"].select(["trajectory_id", "streams"]).to_pylist()
    }
    owned = runs(table)
    for trajectory_id, run, row in _first_of_each(owned, _without_frame(frames, owned, counts)):
        streams = counts.get(trajectory_id, [])
        found = frames[row].as_py()
        message = (
            f"{trajectory_id}: frames of step {row - run.start} are {found}, should be one per stream, below {streams}, or null"
        )
        yield Violation("frame_missing", message, trajectory_id)


def _without_frame(frames: pa.Array, owned: Runs, counts: Mapping[str, Sequence[int | None]]) -> npt.NDArray[np.bool_]:
    """Which rows name a frame that is not there, or not one per stream. `counts`: frames of each stream by trajectory."""
    streams = [counts.get(trajectory_id, ()) for trajectory_id, _ in owned]
    steps = [run.stop - run.start for _, run in owned]
    wanted = np.repeat([len(own) for own in streams], steps)
    found = np.asarray(pc.fill_null(pc.list_value_length(frames), -1))
    wrong: npt.NDArray[np.bool_] = (found >= 0) & (found != wanted)
    fit = np.asarray((found >= 0) & ~wrong)
    if fit.any():
        # The numbers of rows that fit stand in the order of their streams, so their limits do too.
        of_run = [
            np.tile([_NO_LIMIT if n is None else n for n in own], int(fit[run].sum()))
            for own, (_, run) in zip(streams, owned, strict=True)
        ]
        parents = pc.list_parent_indices(frames).to_numpy()
        inside = fit[parents]
        numbers = np.asarray(pc.fill_null(frames.flatten(), 0))[inside]
        limits = np.concatenate(of_run)
        known = frames.flatten().is_valid().to_numpy(False)[inside]
        wrong[parents[inside][known & ((numbers < 0) | (numbers >= limits))]] = True
    return wrong


def videos_counted(tables: Tables) -> Iterator[Violation]:
    """`video_miscounted`: the parts of a video do not hold the frames that its stream states."""
    if "videos" not in tables:
        return
    found: dict[tuple[str, str], int] = {}
    for row in tables["videos"].select(["trajectory_id", "stream", "num_frames", "frame_timestamps", "part"]).to_pylist():
        key = row["trajectory_id"], row["stream"]
        found[key] = found.get(key, 0) + (row["num_frames"] or 0)
        times = len(row["frame_timestamps"] or [])
        if times != row["num_frames"]:
            message = (
                f"{key[0]}: part {row['part']} of {key[1]} has {row['num_frames']} frames and {times} times, should be as many"
            )
            yield Violation("video_miscounted", message, key[0])
    for row in tables["trajectories"].select(["trajectory_id", "streams"]).to_pylist():
        for stream in row["streams"] or []:
            key = row["trajectory_id"], stream["name"]
            if stream["kind"] == "video" and found.get(key) != stream["num_frames"]:
                message = f"{key[0]}: stream {key[1]} states {stream['num_frames']} frames, its parts hold {found.get(key, 0)}"
                yield Violation("video_miscounted", message, key[0])


TRAJECTORY_CHECKS: tuple[Check, ...] = (
    trajectory_ids_unique,
    words_known,
    steps_counted,
    steps_contiguous,
    timestamps_ascend,
    numbers_finite,
    grids_well_formed,
    frames_exist,
    videos_counted,
)


def _starts(owned: Runs) -> npt.NDArray[np.int64]:
    """The first row of its run, for every row."""
    return np.repeat([run.start for _, run in owned], [run.stop - run.start for _, run in owned])


def _first_of_each(owned: Runs, rows: npt.NDArray[np.bool_]) -> Iterator[tuple[str, slice, int]]:
    """(trajectory_id, its rows, the first of them that is chosen) of each run with a chosen row."""
    chosen = np.flatnonzero(rows)
    if not len(chosen):
        return
    firsts = np.searchsorted(chosen, [run.start for _, run in owned])
    for (trajectory_id, run), place in zip(owned, firsts.tolist(), strict=True):
        if place < len(chosen) and chosen[place] < run.stop:
            yield trajectory_id, run, int(chosen[place])


def _malformed(grids: pa.Array) -> Iterator[tuple[int, str]]:
    """(row, what is wrong) of each grid that is not a rectangle of known colours."""
    rows = grids.flatten()
    widths = np.asarray(pc.fill_null(pc.list_value_length(rows), -1))
    owner = pc.list_parent_indices(grids).to_numpy()
    heights = np.asarray(pc.fill_null(pc.list_value_length(grids), -1))
    valid = np.asarray(grids.is_valid())
    for row in np.flatnonzero(valid & ((heights < 1) | (heights > MAX_GRID_SIDE))):
        yield int(row), f"has {heights[row]} rows, should have 1 to {MAX_GRID_SIDE}"
    for position in np.flatnonzero((widths < 1) | (widths > MAX_GRID_SIDE)):
        cells = "null" if widths[position] < 0 else f"{widths[position]} cells"
        yield int(owner[position]), f"has a row of {cells}, should have 1 to {MAX_GRID_SIDE}"
    ragged = np.flatnonzero((np.diff(widths) != 0) & (np.diff(owner) == 0))
    for position in ragged:
        yield int(owner[position]), f"is ragged: rows of {widths[position]} and {widths[position + 1]} cells"
    colours = rows.flatten()
    above = np.flatnonzero(np.asarray(pc.fill_null(colours, 255)) > MAX_COLOUR)
    cell_owner = pc.list_parent_indices(rows).to_numpy()
    for position in above:
        yield int(owner[cell_owner[position]]), f"holds colour {colours[int(position)]}, should be 0 to {MAX_COLOUR}"
