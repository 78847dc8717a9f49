"""Clips of an episode, what they are for, and their contacts: annotations of `subtask`, `primitive_skill`, `contact` and the like.

The source's clips are inclusive frames; where its converter fills the gaps between clips with the words of the first clip, the
gap stays unlabelled here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from annotators.annotation import Annotation
from pipelines.formats.robointer.notes import Findings, Notes, is_past
from schemas.layers import layer

SKILLS = {"hold-move": "transfer", "hold move": "transfer", "move": "transfer", "manipulate": "other"}
"""Other words for a skill that the tool and its figures use."""

Span = tuple[int, int]
"""Frames `[start, end)`."""


def clips_of(notes: Notes, frames: int, findings: Findings) -> list[Span]:
    """The clips in order, half-open. One that is turned round, outside the episode or over another is left out and said."""
    said = notes.first("time_clip")
    if said is None:
        return []
    if any(value is not None and value != said for value in notes.of("time_clip", frames)):
        findings.add("clips_differ", "time_clip is not the same on all frames; the first counts")
    found: list[Span] = []
    for number, clip in enumerate(said if isinstance(said, list) else [said]):
        whole = (
            isinstance(clip, list) and len(clip) == 2 and all(isinstance(at, int) and not isinstance(at, bool) for at in clip)
        )
        if not whole or clip[1] < clip[0]:
            findings.add("clip_unfit", f"clip {number} {clip}: " + ("end before start" if whole else "not [start, end]"))
        elif not 0 <= clip[0] <= clip[1] < frames:
            findings.add("clip_unfit", f"clip {number} {clip}: outside the episode's {frames} frames")
        elif found and clip[0] < found[-1][1]:
            findings.add("clip_unfit", f"clip {number} {clip}: begins before clip {number - 1} is over")
        else:
            found.append((clip[0], clip[1] + 1))
    return found


def language(notes: Notes, frames: int, clips: Sequence[Span], findings: Findings) -> Iterator[Annotation]:
    """`instruction_add`, and `subtask` and `primitive_skill` of each clip; a clip without words is a `subtask` without text."""
    if text := notes.first("instruction_add"):
        written = {"channel": "instruction_add", "steps": [0], "texts": [str(text)]}
        yield Annotation("instruction_add", written, quality=notes.quality("instruction_add"))
    words = layer("primitive_skill").words or frozenset()
    subtasks, skills = notes.of("subtask", frames), notes.of("primitive_skill", frames)
    for start, end in clips or [(0, frames)]:
        texts = list(runs(subtasks, start, end))
        labels = list(runs(skills, start, end))
        for first, last, text in texts:
            yield Annotation("subtask", {"text": str(text)}, first, last, quality=notes.quality("subtask"))
        for first, last, said in labels:
            label = str(said).strip().lower()
            label = SKILLS.get(label, label)
            payload: dict[str, Any] = {"label": label if label in words else "other"}
            if payload["label"] != str(said):
                payload["attributes"] = {"source_label": str(said)}
            if label not in words:
                findings.add("skill_unknown", f"primitive_skill {said!r} is none of RoboInter's 15; it is kept as `other`")
            yield Annotation("primitive_skill", payload, first, last, quality=notes.quality("primitive_skill"))
        if len(texts) > 1 or len(labels) > 1:
            findings.add("words_differ_in_clip", f"clip [{start}, {end}) has {len(texts)} subtasks and {len(labels)} skills")
        if clips and not texts and not labels:
            yield Annotation("subtask", {}, start, end)
    inside = {frame for start, end in clips for frame in range(start, end)}
    lost = [f for f in range(frames) if clips and f not in inside and (subtasks[f] or skills[f])]
    if lost:
        findings.add("words_in_gap", f"{len(lost)} frames from {lost[0]} on belong to no clip and repeat another clip's words")


def contacts(notes: Notes, frames: int, clips: Sequence[Span], findings: Findings) -> dict[int, Span]:
    """Frame of a contact → the frames `[start, end)` for which it is the one to come or was the last one."""
    values = notes.of("contact_frame", frames)
    found: dict[int, Span] = {}
    for start, end in clips or [(0, frames)]:
        inside = values[start:end]
        coming = [value for _, _, value in runs(values, start, end)]
        for value in coming:
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < frames:
                findings.add("contact_unfit", f"contact_frame {value!r} is no frame of the episode's {frames}")
                continue
            if value in found:
                continue
            if not start <= value < end:
                findings.add("contact_outside_clip", f"contact_frame {value} lies outside its clip [{start}, {end})")
            late = [start + i for i, other in enumerate(inside) if other == value and start + i > value]
            if late:
                findings.add("contact_not_past", f"frame {late[0]} has contact_frame {value}, it should be -1")
            found[value] = start, end
        if not coming and any(is_past(value) for value in inside):
            findings.add("past_without_contact", f"clip [{start}, {end}) has contact_frame -1 and no contact")
    return found


def contact_events(notes: Notes, found: dict[int, Span]) -> Iterator[Annotation]:
    """An event of the layer `contact` per contact."""
    for frame in sorted(found):
        yield Annotation("contact", {"label": "contact"}, frame, frame + 1, quality=notes.quality("contact_frame"))


def at_contacts(notes: Notes, name: str, frames: int, found: dict[int, Span], findings: Findings) -> Iterator[tuple[int, Any]]:
    """(frame of the contact, value) of a field that follows the contact; several values of one contact are said."""
    values, comes = notes.of(name, frames), notes.of("contact_frame", frames)
    taken: set[int] = set()
    for contact, (start, end) in sorted(found.items()):
        own = [f for f in range(start, end) if comes[f] == contact and values[f] is not None and not is_past(values[f])]
        taken.update(own)
        if not own:
            continue
        value = values[contact] if contact in own else values[own[0]]
        if any(values[f] != value for f in own):
            findings.add(
                "value_differs", f"{name} is not the same until the contact in frame {contact}; that of the contact counts"
            )
        yield contact, value
    late = [f for f in range(frames) if is_past(comes[f]) and values[f] is not None and not is_past(values[f])]
    if late:
        findings.add(
            "value_after_contact", f"frame {late[0]} has contact_frame -1 and {name} {values[late[0]]}, it should be []"
        )
    for first, last, value in runs([None if f in taken else v for f, v in enumerate(values)], 0, frames):
        findings.add(
            "value_without_contact", f"{name} of frames [{first}, {last}) belongs to no contact; it stands at their last"
        )
        yield last - 1, value


def runs(values: Sequence[Any], start: int, end: int) -> Iterator[tuple[int, int, Any]]:
    """(first, after the last, value) of equal values that are values, one after another."""
    first = start
    for frame in range(start + 1, end + 1):
        if frame == end or values[frame] != values[first]:
            if values[first] is not None and not is_past(values[first]):
                yield first, frame, values[first]
            first = frame
