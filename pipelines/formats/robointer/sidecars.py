"""What lies beside RoboInter's annotations: ratings (Qsheet), ranges without idle frames (range_nop), masks (npz)."""

from __future__ import annotations

import io
import json
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from annotators.annotation import Annotation
from annotators.label_studio.pictures.masks import encode_mask
from pipelines.formats.robointer.names import QUALITY, spelled
from pipelines.formats.robointer.notes import Findings, Notes, rating
from pipelines.formats.robointer.pixels import Screen
from pipelines.io.files import find_file, list_files, read_file
from pipelines.sources import Rejected

MASK_MAP = "VideoID_2_SegmentationNPZ.json"
MAX_MASK_BYTES = 4 << 30
_MASKS = "masks"


@lru_cache(maxsize=4)
def read_sheet(uri: str, stamp: str) -> Mapping[str, Any]:
    """A JSON object by episode name; read once per process. Raises Rejected (`sidecar_damaged`)."""
    file = list_files(uri)[0]
    try:
        found = json.loads(read_file(file))
    except (ValueError, RecursionError) as error:
        raise Rejected("sidecar_damaged", f"{file.name} is not JSON ({error}): copy it again") from error
    if not isinstance(found, dict):
        raise Rejected("sidecar_damaged", f"{file.name} is no object by episode name")
    return found


def rated(notes: Notes, said: Any, name: str, findings: Findings) -> Notes:
    """The notes with the ratings of a line of the Qsheet where they have none; two that differ are a finding, the sheet counts."""
    if not isinstance(said, dict):
        findings.add("not_in_qsheet", f"{name} is not in the Qsheet")
        return notes
    ratings = dict(notes.ratings)
    for key, word in said.items():
        if key.startswith("Q_"):
            field = spelled(key.removeprefix(QUALITY).removeprefix("Q_"))
            found = rating(field, word, findings)
            if found and ratings.get(field) not in (None, found):
                findings.add("quality_differs", f"{field} is {ratings[field]} in the columns and {found} in the Qsheet")
            ratings[field] = found or ratings.get(field)
            if found and all(value is None for value in notes.values.get(field, ())):
                findings.add("rated_without_value", f"{field} is rated {found} and has no value")
    return Notes(notes.values, ratings)


def range_of(said: Any, frames: int, findings: Findings) -> list[int] | None:
    """Frames `[start, end)` without the idle ones at both ends, of `[start, last, number]`; None for a range that cannot be."""
    whole = isinstance(said, list) and len(said) == 3 and all(isinstance(n, int) and not isinstance(n, bool) for n in said)
    if not whole or said[2] != said[1] - said[0] + 1:
        expected = f"; {said[1]} - {said[0]} + 1 = {said[1] - said[0] + 1}" if whole else ""
        findings.add("range_unfit", f"range_nop {said} is not [start, last, number of frames]{expected}")
        return None
    if not 0 <= said[0] <= said[1] < frames:
        findings.add("range_unfit", f"range_nop {said} is outside the episode's {frames} frames")
        return None
    return [said[0], said[1] + 1]


def segmentation(notes: Notes, uri: str, stamp: str, name: str, screen: Screen, findings: Findings) -> Iterator[Annotation]:
    """The masks of an episode as a row per object, of the masks' own size; none where the map does not name the episode."""
    table = read_sheet(posixpath.join(uri, MASK_MAP), stamp)
    place = table.get(name)
    if not isinstance(place, str):
        return
    file = find_file(uri, place)
    if file is None:
        findings.add("masks_missing", f"{MASK_MAP} names {place} for {name}, and it is not there")
        return
    masks = _masks(read_file(file), place)
    length, (height, width) = len(screen.frames), masks.shape[3:]
    if masks.shape[1] != length or (width, height) != screen.origin:
        message = (
            f"{place}: masks of {masks.shape[1]} frames of {width} x {height}, the episode has {length} of "
            f"{screen.origin[0]} x {screen.origin[1]}"
        )
        findings.add("masks_unfit", message)
        return
    for number, of_object in enumerate(masks[:, :, 0]):
        shown = [
            (frame, mask) for frame, mask in zip(screen.frames, of_object, strict=True) if frame is not None and mask.any()
        ]
        if shown:
            payload = {
                "shape": "mask",
                "label": "object_mask",
                "track": f"object_{number}",
                "frames": [frame for frame, _ in shown],
                "masks": [{"height": height, "width": width, "counts": encode_mask(mask != 0)} for _, mask in shown],
                "visible": [True] * len(shown),
                "frame_width": width,
                "frame_height": height,
            }
            yield Annotation("segmentation", payload, 0, length, stream=screen.stream, quality=notes.quality("segmentation"))


def _masks(data: bytes, place: str) -> npt.NDArray[Any]:
    """Array `masks` (objects, frames, 1, height, width) of an npz. Raises Rejected (`masks_unreadable`)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = archive.getinfo(f"{_MASKS}.npy").file_size
        if size > MAX_MASK_BYTES:
            raise ValueError(f"it unpacks to {size:,} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            masks: npt.NDArray[Any] = archive[_MASKS]
        if masks.ndim != 5 or masks.shape[2] != 1 or masks.dtype.kind not in "buif":
            raise ValueError(
                f"masks has shape {masks.shape} and type {masks.dtype}, it should be (objects, frames, 1, height, width)"
            )
    except (
        ValueError,
        KeyError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise Rejected("masks_unreadable", f"{place} is no npz of masks ({error}): copy it again") from error
    return masks
