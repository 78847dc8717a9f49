"""Pictures for a page: some frames of a stream, smaller, as JPEG, within a budget of bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from annotators.frames import Picture
from pipelines.review.footage import Part, decoded, read_frames

QUALITY = 78
PAGE_BYTES = 13_500_000
"""JPEG bytes of a page; as text in a page they are a third more, so that a page stays below 20 MB."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a page holds: `width` of pictures in pixels (None: 480 of cameras, 960 of screens), `pictures` in all."""

    width: int | None = None
    pictures: int = 800

    def of_camera(self) -> int:
        """Pixels of a camera's pictures."""
        return self.width or 480

    def of_screen(self) -> int:
        """Pixels of a screenshot."""
        return self.width or 960


def spread(values: Sequence[int], most: int) -> list[int]:
    """At most `most` of some values, evenly, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[i] for i in sorted({round(float(i)) for i in np.linspace(0, len(values) - 1, max(1, most))})]


def jpeg(picture: Picture, width: int) -> bytes:
    """A picture as JPEG, at most `width` pixels wide."""
    if picture.shape[1] > width:
        size = (width, max(1, round(picture.shape[0] * width / picture.shape[1])))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return data.tobytes()


def encoded_frames(parts: Sequence[Part], numbers: Sequence[int], width: int) -> list[bytes]:
    """Frames of a video (ascending) as JPEG. Runs in the decoding child."""
    return [jpeg(picture, width) for picture in read_frames(parts, numbers)]


def encoded_images(images: Iterable[tuple[bytes, str]], width: int) -> list[bytes]:
    """Coded pictures, each with its place for what is wrong with it, as JPEG. Runs in the decoding child."""
    return [jpeg(decoded(data, place), width) for data, place in images]


def within(found: dict[int, bytes], budget: int) -> dict[int, bytes]:
    """Every second, fourth, … of some pictures, until they fit."""
    while len(found) > 1 and sum(map(len, found.values())) > budget:
        kept = sorted(found)[::2]
        found = {number: found[number] for number in kept}
    return found


def uri(data: bytes) -> str:
    """JPEG bytes as a data URI."""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def thinned(what: str, kept: int, of: int) -> str:
    """The sentence that says that not all pictures are in the page."""
    return f"{what}: {kept} of {of} pictures are in this page, so a step may show an earlier one (its number stands below it)."
