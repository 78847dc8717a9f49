"""Masks of objects through an episode from clicks or boxes on a few frames, by a promptable segmenter over HTTP.

Layers `segmentation` (masks, run-length encoded as COCO does) and `object_box` (the tight box of each mask). The endpoint
takes `POST <CAIRN_SEGMENTER_URL>/track` and answers with JSON:

    {"model": "...", "frames": [{"frame": 0, "image": "data:image/jpeg;base64,..."}, ...],
     "prompts": [{"object": "cube", "frame": 0, "clicks": [[x, y, label], ...], "box": [x_min, y_min, x_max, y_max]}, ...]}
    {"objects": [{"object": "cube", "frames": [{"frame": 0, "mask": {"size": [height, width], "counts": "..."},
                                                "score": 0.97, "prompt": 0}, ...]}]}

A click is one triple and keeps its own label: 1 on the object, 0 beside it (in the tools of others a label of -1 is padding
and does nothing, and lists of points and labels came apart). The frames are the source's own, never drawn upon. A mask that is null
says that the object is not to be seen; a frame without an entry is not annotated. `score` and `prompt` (the frame whose
prompt counted most) are kept per frame. A mask of another size than the pictures, or one that cannot be read, refuses its
object with a sentence; other objects are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..annotation import Annotation, Refusal
from ..label_studio.pictures.masks import decode_mask
from ..protocol import Requires
from ..streams import pictures_of
from ..trajectory import TrajectoryView
from .chat import data_uri
from .endpoint import AnswerError, endpoint, missing

_KEYS = {"stream", "frame", "object", "label", "clicks", "box"}


@dataclass(frozen=True)
class Segmenter:
    """Proposes `segmentation` and `object_box`.

    * `prompts`: native id of an episode, or `*` → a list of `{stream, frame, object}` with `clicks` ([x, y, label] each,
      pixels) or `box`, or both. `label`: object (the default) or container, of the box.
    * `model`: its name at the endpoint. `reach`: frames that are sent before the first and after the last prompt at most.
    * `service`: prefix of the environment variables. `timeout`: seconds without an answer.
    """

    prompts: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    model: str = "default"
    reach: int = 300
    timeout: float = 120.0
    service: str = "CAIRN_SEGMENTER"

    name: ClassVar[str] = "models.segmenter"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "model"
    emits: ClassVar[tuple[str, ...]] = ("segmentation", "object_box")
    requires: ClassVar[Requires] = Requires("robot", frames=True)
    deterministic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Raises ValueError for a prompt without place or object, or with a click whose label is neither 0 nor 1."""
        for native_id, prompts in self.prompts.items():
            for prompt in prompts:
                place = f"prompt {prompt} of {native_id!r}"
                if not {"stream", "frame", "object"} <= prompt.keys() <= _KEYS or not (
                    prompt.get("clicks") or prompt.get("box")
                ):
                    raise ValueError(f"{place}: it has stream, frame, object, and clicks or box")
                if any(len(click) != 3 or click[2] not in (0, 1) for click in prompt.get("clicks") or ()):
                    raise ValueError(f"{place}: a click is [x, y, label], label 1 on the object, 0 beside it")

    def lacks(self) -> str | None:
        """The endpoint, where none is named."""
        return missing(self.service)

    def propose(self, trajectory: TrajectoryView) -> Iterator[Annotation | Refusal]:
        """Two rows per object and stream. Raises EndpointError where no answer came, KeyError for an unknown stream."""
        own = self.prompts.get(str(trajectory.header.get("native_id")), self.prompts.get("*", []))
        for stream in sorted({prompt["stream"] for prompt in own}):
            described = next((s for s in trajectory.header["streams"] or [] if s["name"] == stream), None)
            if described is None:
                raise KeyError(f"{trajectory.trajectory_id} has no stream {stream!r}")
            prompts = [p for p in own if p["stream"] == stream and 0 <= p["frame"] < described["num_frames"]]
            if prompts:
                yield from self._stream(trajectory, stream, described, prompts)

    def _stream(
        self, trajectory: TrajectoryView, stream: str, described: Mapping[str, Any], prompts: Sequence[Mapping[str, Any]]
    ) -> Iterator[Annotation | Refusal]:
        prompted = [prompt["frame"] for prompt in prompts]
        numbers = range(max(0, min(prompted) - self.reach), min(described["num_frames"], max(prompted) + self.reach + 1))
        pictures = pictures_of(trajectory, stream, numbers)
        body = {
            "model": self.model,
            "frames": [{"frame": n, "image": data_uri(picture)} for n, picture in zip(numbers, pictures, strict=True)],
            "prompts": [
                {"object": p["object"], "frame": p["frame"], "clicks": p.get("clicks") or [], "box": p.get("box")}
                for p in prompts
            ],
        }
        size = described["width"], described["height"]
        try:
            found = endpoint(self.service, self.timeout).ask("track", body, _objects)
        except AnswerError as error:
            yield Refusal(error.code, f"{stream}: {error}")
            return
        labels = {prompt["object"]: prompt.get("label", "object") for prompt in prompts}
        for name in labels:
            try:
                masks = _masks(found.get(name), numbers, size)
            except AnswerError as error:
                yield Refusal(error.code, f"{stream}, object {name!r}: {error}")
                continue
            yield from _annotations(trajectory, stream, size, name, labels[name], masks)


ANNOTATOR = Segmenter()


@dataclass(frozen=True, slots=True)
class FrameMask:
    """One frame of an object: its mask (`counts` and its tight `box`), both None where it is not to be seen."""

    frame: int
    counts: str | None
    box: tuple[float, float, float, float] | None
    score: float | None
    prompt: int | None


def tight_box(mask: npt.NDArray[np.bool_]) -> tuple[float, float, float, float] | None:
    """The box around all pixels of a mask, maxima exclusive; None for an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _objects(answer: Any) -> dict[str, Any]:
    """Object → its frames as answered. Raises AnswerError for an answer of another form."""
    objects = answer.get("objects") if isinstance(answer, dict) else None
    if not isinstance(objects, list) or not all(
        isinstance(one, dict) and isinstance(one.get("object"), str) for one in objects
    ):
        raise AnswerError("answer_malformed", "the answer has no list `objects` of objects with a name")
    return {one["object"]: one.get("frames") for one in objects}


def _masks(frames: Any, asked: range, size: tuple[int, int]) -> list[FrameMask]:
    """The masks of one object, in order of frame. Raises AnswerError."""
    if not isinstance(frames, list):
        raise AnswerError("answer_malformed", "the answer has no list of frames for it")
    found: dict[int, FrameMask] = {}
    for entry in frames:
        frame = entry.get("frame") if isinstance(entry, dict) else None
        if type(frame) is not int or frame not in asked or frame in found:
            raise AnswerError("answer_malformed", f"frame {frame!r:.20} was not asked for, or comes twice")
        found[frame] = _mask(frame, entry, size)
    return [found[frame] for frame in sorted(found)]


def _mask(frame: int, entry: Mapping[str, Any], size: tuple[int, int]) -> FrameMask:
    said, score, prompt = entry.get("mask"), entry.get("score"), entry.get("prompt")
    score = float(score) if isinstance(score, int | float) and 0 <= score <= 1 else None
    prompt = prompt if type(prompt) is int else None
    if said is None:
        return FrameMask(frame, None, None, score, prompt)
    width, height = size
    if not isinstance(said, dict) or said.get("size") != [height, width] or not isinstance(said.get("counts"), str):
        answered = said.get("size") if isinstance(said, dict) else said
        raise AnswerError(
            "mask_size", f"the mask of frame {frame} is {answered!r:.40}, should be [height, width] = [{height}, {width}]"
        )
    try:
        box = tight_box(decode_mask(height, width, said["counts"]))
    except ValueError as error:
        raise AnswerError("mask_unreadable", f"frame {frame}: {error}") from error
    return FrameMask(frame, said["counts"] if box else None, box, score, prompt)


def _annotations(
    trajectory: TrajectoryView, stream: str, size: tuple[int, int], name: str, label: str, masks: Sequence[FrameMask]
) -> Iterator[Annotation]:
    """The track of an object as masks and as boxes; nothing where no frame was answered."""
    if not masks:
        return
    width, height = size
    scores = [mask.score for mask in masks]
    known = [score for score in scores if score is not None]
    shared = {
        "track": name,
        "frames": [mask.frame for mask in masks],
        "visible": [mask.box is not None for mask in masks],
        "frame_width": width,
        "frame_height": height,
        "attributes": {"scores": scores, "prompts": [mask.prompt for mask in masks]},
    }
    coded = [None if m.counts is None else {"height": height, "width": width, "counts": m.counts} for m in masks]
    confidence = sum(known) / len(known) if known else None
    end = trajectory.num_steps
    outline = {"shape": "mask", "label": "object_mask", "role": label, "masks": coded, **shared}
    yield Annotation("segmentation", outline, 0, end, stream=stream, confidence=confidence)
    boxes = [None if mask.box is None else list(mask.box) for mask in masks]
    box = {"shape": "box", "label": label, "role": label, "boxes": boxes, **shared}
    yield Annotation("object_box", box, 0, end, stream=stream, confidence=confidence)
