"""RoboInter's annotations outside LeRobot: the frame LMDB (`{frame: {field: value}}` per episode) and the raw pickles (an item
per episode, before anything was derived per frame).

An LMDB environment is opened once per process, read-only: py-lmdb refuses a second one, and the dataset's own converter loses
annotations that way. A raw pickle is one value, held in memory as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipelines.extras import library
from pipelines.formats.robointer.names import NAMES
from pipelines.formats.robointer.notes import Findings, Notes, notes_of_frames, plain
from pipelines.formats.robointer.unpickle import safe_loads
from pipelines.io.files import filesystem
from pipelines.sources import Rejected

EXTRA = "lmdb"
MAX_PICKLE = 4 << 30
WINDOW = 10
_MAGIC, _META_BYTES = b"\xde\xc0\xef\xbe", 152


def stored_notes(uri: str, stamp: str, name: str, length: int, findings: Findings) -> Notes | None:
    """The notes of an episode by its RoboInter name, from an LMDB folder or a pickle; None where it has none there.

    `stamp`: changes when the files do. Raises Rejected: `extra_missing`, `annotations_unreadable`, `pickle_refused`,
    `pickle_damaged`.
    """
    path = Path(filesystem(uri)[1])
    if not path.exists():
        raise Rejected("annotations_unreadable", f"{uri} is not on this machine: copy the LMDB folder or the pickle here")
    if path.suffix in (".pkl", ".pickle"):
        item = _pickle(str(path), stamp).get(name)
        return None if item is None else notes_of_item(item, length, name, findings)
    found = _record(path, name)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise Rejected(
            "annotations_unreadable", f"{uri}: {name} holds a {type(found).__name__}, it should be {{frame: fields}}"
        )
    return notes_of_frames(found, length, name, findings)


def notes_of_item(item: Any, length: int, where: str, findings: Findings) -> Notes:
    """The notes of an item of a raw pickle, per frame, by the rules of RoboInter's own converter but for its mistakes: a gap
    between clips stays empty, clips are not stretched to the ends, boxes at the border and paths with a point there are kept.

    Raises Rejected (`annotations_unreadable`).
    """
    try:
        return _notes_of_item(item, length, where, findings)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        message = f"{where} is no item of RoboInter's raw annotations ({error}): leave it out"
        raise Rejected("annotations_unreadable", message) from error


def _notes_of_item(item: Any, length: int, where: str, findings: Findings) -> Notes:
    values: dict[str, list[Any]] = {name: [None] * length for name in NAMES}

    def put(name: str, start: Any, stop: Any, value: Any) -> None:
        if isinstance(start, int) and isinstance(stop, int) and 0 <= start <= stop <= length:
            values[name][start:stop] = [value] * (stop - start)
        else:
            findings.add("frame_outside", f"{where}: {name} of frames [{start}, {stop}) is outside the episode's {length}")

    if item.get("origin_shape"):
        put("origin_shape", 0, length, plain(item["origin_shape"]))
    said = item.get("all_language") or {}
    clips = plain(said.get("time_clip")) or []
    if clips:
        put("time_clip", 0, length, clips)
    if said.get("instruction"):
        put("instruction_add", 0, length, said["instruction"])
    for name, key in (("subtask", "task_steps"), ("primitive_skill", "action_steps")):
        words = said.get(key) or []
        if words and len(words) != len(clips):
            findings.add("words_unfit", f"{where}: {len(clips)} clips but {len(words)} {key}")
        for clip, word in zip(clips, words, strict=False):
            if isinstance(clip, list) and len(clip) == 2 and clip[0] <= clip[1]:
                put(name, clip[0], clip[1] + 1, word)
    for name, outer, inner in (
        ("gripper_box", "all_gripper_box", "gripper_box"),
        ("object_box", "all_grounding_box", "obj_box"),
    ):
        for frame, found in (item.get(outer) or {}).items():
            if isinstance(found, dict):
                put(name, frame, frame + 1 if isinstance(frame, int) else None, plain(found.get(inner)))
    _put_contacts(item.get("all_contact_point") or {}, put)
    track = plain((item.get("all_traj") or {}).get("trace")) or []
    if track and len(track) != length:
        findings.add("trace_unfit", f"{where}: trace has {len(track)} points, the episode {length} frames")
    for frame in range(min(length, len(track))):
        put("trace", frame, frame + 1, track[frame : frame + WINDOW])
    return Notes(values)


def _put_contacts(said: Mapping[Any, Any], put: Any) -> None:
    """Until the contact its frame and places, after it -1 and []."""
    for clip, found in said.items():
        if not isinstance(clip, Sequence) or len(clip) != 2 or not isinstance(found, dict):
            continue
        start, end, contact = clip[0], clip[1] + 1, found.get("contact_frame")
        if not isinstance(contact, int):
            continue
        border = min(max(contact + 1, start), end)
        put("contact_frame", start, border, contact)
        put("contact_frame", border, end, -1)
        for name, key in (("affordance_box", "contact_box"), ("contact_points", "contact_pt")):
            put(name, start, border, plain(found.get(key)))
            put(name, border, end, [])


@lru_cache(maxsize=1)
def _pickle(path: str, stamp: str) -> Mapping[str, Any]:
    size = os.path.getsize(path)
    if size > MAX_PICKLE:
        message = f"{path} has {size:,} bytes and is read as a whole: up to {MAX_PICKLE:,} are taken; use the LMDB"
        raise Rejected("annotations_unreadable", message)
    found = safe_loads(Path(path).read_bytes(), Path(path).name)
    if not isinstance(found, dict):
        raise Rejected("annotations_unreadable", f"{path} holds a {type(found).__name__}, it should be {{episode: item}}")
    return found


def _record(path: Path, name: str) -> Any:
    lmdb = library("lmdb", EXTRA, "reading RoboInter's LMDB")
    try:
        with _environment(str(path)).begin(buffers=True) as transaction:
            data = transaction.get(name.encode())
            return None if data is None else safe_loads(data, f"{path.name}: {name}")
    except lmdb.Error as error:
        raise Rejected("annotations_unreadable", f"{path} cannot be read as LMDB ({error}): copy it again") from error


@lru_cache(maxsize=4)
def _environment(path: str) -> Any:
    """The environment of a folder with data.mdb, or of one file; never closed, since it may be opened once per process."""
    lmdb = library("lmdb", EXTRA, "reading RoboInter's LMDB")
    _refuse_short(Path(path, "data.mdb") if os.path.isdir(path) else Path(path))
    return lmdb.open(path, subdir=os.path.isdir(path), readonly=True, lock=False, readahead=False, max_readers=1)


def _refuse_short(path: Path) -> None:
    """LMDB maps its file into memory, and whoever looks behind the end of one that was cut off is killed.

    Each of the first two pages states the size of a page and the last page (`MDB_meta` in mdb.c); the newer one holds.
    Raises Rejected (`annotations_unreadable`).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_META_BYTES)
        page = int.from_bytes(head[40:44], "little")
        file.seek(page)
        metas = [head, file.read(_META_BYTES)]
    whole = [meta for meta in metas if meta[16:20] == _MAGIC and len(meta) == _META_BYTES]
    stated = max(((int.from_bytes(m[144:152], "little"), int.from_bytes(m[136:144], "little")) for m in whole), default=(0, 0))[
        1
    ]
    if not page or not whole or size < (stated + 1) * page:
        message = (
            f"{path.name} has {size:,} bytes, it states {(stated + 1) * page:,}: it was cut off, or is no LMDB; copy it again"
        )
        raise Rejected("annotations_unreadable", message)
