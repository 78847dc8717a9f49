"""Pictures of one camera as rows of `images`: encoded ones keep their own bytes, raw arrays become PNG, depth 16-bit PNG.

A picture that the source has turned, or with blue first, is put right and stored as PNG, since a consumer decodes what it is
given; `Stored.amiss` says so.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from pipelines.formats.arrays.fields import Turn
from pipelines.io.media import MediaWriter
from pipelines.sources import Rejected

Array = npt.NDArray[Any]
Picture = Array | bytes
"""One picture: an array as the source has it, or an encoded file."""

MAX_PIXELS = 100_000_000

_FORMATS = {"PNG": "png", "JPEG": "jpeg"}
_TURNS: dict[Turn, Callable[[Array], Array]] = {
    "none": lambda picture: picture,
    "half_turn": lambda picture: picture[::-1, ::-1],
    "flip_vertical": lambda picture: picture[::-1],
    "flip_horizontal": lambda picture: picture[:, ::-1],
}
_PNG_LEVEL = (cv2.IMWRITE_PNG_COMPRESSION, 3)


@dataclass(frozen=True, slots=True)
class Look:
    """How a camera's pictures are to be understood: see `pipelines.formats.arrays.fields.Camera`."""

    kind: str = "images"
    colours: str = "rgb"
    turn: Turn = "none"
    depth_unit: float | None = None


@dataclass
class Stored:
    """Rows of `images`, the entry of `trajectories.streams`, and what was changed or is odd."""

    stream: dict[str, Any]
    rows: list[dict[str, Any]]
    amiss: dict[str, Any] = field(default_factory=dict)


class PictureWriter:
    """Stages the pictures of one stream as they come, as its frames 0, 1, …"""

    def __init__(self, name: str, look: Look, media: MediaWriter) -> None:
        self.name, self.look = name, look
        self.rows: list[dict[str, Any]] = []
        self._media = media
        self._amiss: dict[str, Any] = {}

    def add(self, picture: Picture, time: float | None) -> None:
        """Stage one picture; `time` in seconds from the trajectory's first step, or None.

        Raises Rejected: `image_unreadable` for bytes that are neither PNG nor JPEG or for an array that is no picture,
        `depth_unfit` for depth that a 16-bit PNG cannot hold.
        """
        frame = len(self.rows)
        try:
            data, form, (width, height) = _encoded(picture, self.look, self._amiss)
        except _UnfitError as error:
            raise Rejected(error.code, f"{self.name}: frame {frame}: {error}", {"stream": self.name, "frame": frame}) from error
        digest = self._media.add(data, f".{form}")
        self.rows.append(
            {
                "stream": self.name, "frame": frame, "timestamp": time, "image": digest, "format": form,
                "width": width, "height": height, "sha256": digest,
            }
        )  # fmt: skip

    def finish(self, fps: float | None) -> Stored:
        """What was staged."""
        rows, first = self.rows, (self.rows or [{}])[0]
        sizes = sorted({(row["width"], row["height"]) for row in rows})
        if len(sizes) > 1:
            self._amiss["sizes"] = [list(size) for size in sizes]
        stream = {
            "name": self.name,
            "kind": self.look.kind,
            "codec": first.get("format"),
            "fps": fps,
            "width": first.get("width"),
            "height": first.get("height"),
            "num_frames": len(rows),
            "start_time": first.get("timestamp"),
            "depth_unit": self.look.depth_unit if self.look.kind == "depth" else None,
        }
        return Stored(stream, rows, self._amiss)


def store_pictures(
    name: str, pictures: Iterable[tuple[Picture, float | None]], look: Look, fps: float | None, media: MediaWriter
) -> Stored:
    """All pictures of a stream with their times. Raises as `PictureWriter.add`."""
    writer = PictureWriter(name, look, media)
    for picture, time in pictures:
        writer.add(picture, time)
    return writer.finish(fps)


def trimmed(data: bytes) -> bytes:
    """An encoded picture without the zeros that pad it: a JPEG ends with FF D9, a PNG with its IEND; other bytes as they are."""
    bare = data.rstrip(b"\0")
    if data[:2] == b"\xff\xd8" and bare[-2:] == b"\xff\xd9":
        return bare
    if data[:4] == b"\x89PNG" and bare[-8:] == b"IEND\xaeB`\x82":
        return bare
    return data


class _UnfitError(ValueError):
    """One picture that cannot be stored; `code` as in the reject."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _encoded(picture: Picture, look: Look, amiss: dict[str, Any]) -> tuple[bytes, str, tuple[int, int]]:
    """(bytes, format, (width, height)) of one picture."""
    if isinstance(picture, bytes):
        form, size = _probe(picture)
        if form != "png" and look.kind == "depth":
            raise _UnfitError("depth_unfit", f"depth as {form} has lost its values: record it as 16-bit PNG or an array")
        if look.turn == "none" and look.colours == "rgb":
            return picture, form, size
        amiss["stored_anew"] = {"as": "png", "colours": look.colours, "turn": look.turn}
        decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)
        if decoded is None:
            raise _UnfitError("image_unreadable", f"these {len(picture)} bytes cannot be decoded as {form}")
        order = "bgr" if look.colours == "rgb" else "rgb"  # OpenCV turns the file's order round
        return _png(decoded, order, look.turn), "png", size
    array = _upright_axes(np.asarray(picture), look)
    if look.turn != "none":
        amiss["turned"] = look.turn
    return _png(array, look.colours, look.turn), "png", (array.shape[1], array.shape[0])


def _probe(data: bytes) -> tuple[str, tuple[int, int]]:
    """Format and size of an encoded picture, checked to its last byte (PNG's checksums, JPEG's end)."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            form, size = str(opened.format), opened.size
            opened.verify()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _UnfitError("image_unreadable", f"these {len(data)} bytes are no whole picture ({error})") from error
    if form not in _FORMATS:
        raise _UnfitError("image_unreadable", f"it is {form}; PNG and JPEG are taken")
    if form == "JPEG" and b"\xff\xd9" not in data[-64:]:
        raise _UnfitError("image_unreadable", "the JPEG has no end: it was cut off")
    return _FORMATS[form], size


def _upright_axes(array: Array, look: Look) -> Array:
    """[height, width] or [height, width, 3] of what a source stores as a picture."""
    if array.ndim == 3 and array.shape[-1] not in (1, 3) and array.shape[0] in (1, 3):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if not 0 < array.size <= 3 * MAX_PIXELS or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] != 3):
        raise _UnfitError("image_unreadable", f"an array of shape {list(array.shape)} is no picture")
    if look.kind == "depth":
        return _depth(array)
    if array.dtype.kind == "f" and (array == array.astype(np.uint8)).all():
        return array.astype(np.uint8)  # whole numbers from 0 to 255, as PushT's replay buffer holds them
    if array.dtype != np.uint8:
        raise _UnfitError("image_unreadable", f"pictures are uint8, this is {array.dtype}: give it as depth, or as a column")
    return array


def _depth(array: Array) -> Array:
    """Depth as uint16 counts, exactly as the source has them: floating depth has no integer unit and is not rounded here."""
    if array.ndim != 2:
        raise _UnfitError("depth_unfit", f"depth is one value per pixel, this has shape {list(array.shape)}")
    if array.dtype.kind not in "ui":
        raise _UnfitError("depth_unfit", f"depth as {array.dtype} cannot be held by a 16-bit PNG without loss: record integers")
    if array.size and (array.min() < 0 or array.max() > 65535):
        raise _UnfitError("depth_unfit", f"depth from {array.min()} to {array.max()} does not fit 16 bits")
    return array.astype(np.uint16)


def _png(array: Array, order: str, turn: Turn) -> bytes:
    array = _TURNS[turn](array)
    if array.ndim == 3 and order == "rgb":
        array = array[..., ::-1]  # OpenCV writes what it holds as blue, green, red
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(array), _PNG_LEVEL)
    if not done:
        raise _UnfitError("image_unreadable", f"an array of shape {list(array.shape)} cannot be written as PNG")
    return encoded.tobytes()
