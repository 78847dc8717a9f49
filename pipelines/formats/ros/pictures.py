"""Pictures out of messages: CompressedImage, Image and RawImage, by ROS and by Foxglove."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.formats.arrays.pictures import Picture
from pipelines.formats.ros.messages import field_of, raw_bytes

ENCODINGS: dict[str, tuple[str, int]] = {
    "rgb8": ("u1", 3),
    "bgr8": ("u1", 3),
    "8UC3": ("u1", 3),
    "rgba8": ("u1", 4),
    "bgra8": ("u1", 4),
    "mono8": ("u1", 1),
    "8UC1": ("u1", 1),
    "mono16": ("u2", 1),
    "16UC1": ("u2", 1),
    "32FC1": ("f4", 1),
}
"""Encoding of an uncompressed picture → element type and values per pixel (sensor_msgs/image_encodings.hpp)."""

VIDEO_FORMATS = ("h264", "h265", "hevc")


def video_format(message: Any) -> str | None:
    """The codec of a CompressedVideo message; None for pictures."""
    form = field_of(message, "format")
    return str(form).lower() if isinstance(form, str) and form.lower() in VIDEO_FORMATS else None


def picture_of(message: Any) -> Picture:
    """The picture of a message, red first: bytes as they were sent, or an array. Raises ValueError for what is no picture."""
    data = field_of(message, "data")
    if data is None:
        raise ValueError("the message has no field `data`: it is no picture")
    sent = raw_bytes(data)
    encoding = field_of(message, "encoding")
    if encoding is None:
        return _compressed(sent, str(field_of(message, "format") or ""))
    return _raw(message, sent, str(encoding))


def _compressed(sent: bytes, form: str) -> bytes:
    """The bytes of a CompressedImage; image_transport puts a header before the PNG of a depth picture."""
    if "compressedDepth" not in form:
        return sent
    start = sent.find(b"\x89PNG", 0, 64)
    if start < 0 or not form.startswith("16UC1"):
        raise ValueError(f"depth as {form!r} is no 16-bit PNG")
    return sent[start:]


def _raw(message: Any, sent: bytes, encoding: str) -> Picture:
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding {encoding!r} is none of {', '.join(ENCODINGS)}")
    kind, channels = ENCODINGS[encoding]
    height, width = int(field_of(message, "height") or 0), int(field_of(message, "width") or 0)
    row = width * channels * int(kind[1])
    step = int(field_of(message, "step") or row)
    if not height or not width or step < row or len(sent) < step * (height - 1) + row:
        raise ValueError(f"{len(sent)} bytes are no {width} x {height} picture as {encoding} in rows of {step} bytes")
    padded = sent.ljust(step * height, b"\0")[: step * height]
    order = ">" if field_of(message, "is_bigendian") else "<"
    rows = np.frombuffer(padded, np.uint8).reshape(height, step)[:, :row]
    picture: npt.NDArray[Any] = np.ascontiguousarray(rows).view(f"{order}{kind}").reshape(height, width, channels)
    if encoding.startswith("bgr"):
        picture = picture[..., [2, 1, 0]]
    return picture[..., :3] if channels == 4 else picture
