"""TFRecord: records one after another, each with a checksum of its length and one of its bytes; tf.train.Example inside.

A record is length (8 bytes), CRC-32C of those 8, the bytes, CRC-32C of them; both masked
(https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.extras import library
from pipelines.sources import Rejected

EXTRA = "rlds"
MAX_RECORD = 2 << 30

Values = list[bytes] | npt.NDArray[Any]


def read_records(path: Path, name: str) -> Iterator[bytes | Rejected]:
    """The records of a file in order; one whose bytes do not fit its checksum is given as what is wrong with it.

    Where a length does not fit its own, or the file ends inside a record, the rest cannot be found: that is the last thing given.
    Raises Rejected (`extra_missing`).
    """
    crc32c: Callable[[bytes], int] = library("google_crc32c", EXTRA, "checking TFRecord").value
    size = path.stat().st_size
    with path.open("rb") as file:
        number = 0
        while head := file.read(12):
            lost = {"record": number, "rest_lost": True}
            if len(head) < 12:
                yield Rejected("tfrecord_truncated", f"{name} ends inside record {number}: copy it again", lost)
                return
            length, crc = struct.unpack("<QI", head)
            if _masked(crc32c(head[:8])) != crc:
                message = (
                    f"{name}: the length of record {number} does not fit its checksum, the rest cannot be read: copy it again"
                )
                yield Rejected("tfrecord_damaged", message, lost)
                return
            if length > MAX_RECORD or file.tell() + length + 4 > size:
                yield Rejected("tfrecord_truncated", f"{name} ends inside record {number}: copy it again", lost)
                return
            data, (crc,) = file.read(length), struct.unpack("<I", file.read(4))
            if _masked(crc32c(data)) == crc:
                yield data
            else:
                message = f"{name}: record {number} does not fit its checksum: copy the file again"
                yield Rejected("tfrecord_damaged", message, {"record": number})
            number += 1


def parse_example(data: bytes) -> Mapping[str, Values]:
    """The features of a tf.train.Example, flat: bytes as a list, numbers as an array. Raises ValueError for what is none."""
    from google.protobuf.message import DecodeError

    try:
        features = example_class().FromString(data).features.feature
    except DecodeError as error:
        raise ValueError(f"it is no tf.train.Example ({error})") from error
    found: dict[str, Values] = {}
    for key in sorted(features):
        kind = features[key].WhichOneof("kind")
        values = getattr(features[key], kind).value if kind else []
        dtype = {"float_list": np.float32, "int64_list": np.int64}.get(str(kind))
        found[key] = list(values) if dtype is None else np.array(values, dtype)
    return found


@cache
def example_class() -> Any:
    """The message class of tf.train.Example: a map from name to a list of bytes, of floats or of integers."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kind = descriptor_pb2.FieldDescriptorProto
    package = "cairn.tfrecord"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    lists = (("BytesList", kind.TYPE_BYTES), ("FloatList", kind.TYPE_FLOAT), ("Int64List", kind.TYPE_INT64))
    for name, type_ in lists:
        file.message_type.add(name=name).field.add(name="value", number=1, type=type_, label=kind.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, field) in enumerate(
        zip(("BytesList", "FloatList", "Int64List"), ("bytes", "float", "int64"), strict=True), 1
    ):
        feature.field.add(
            name=f"{field}_list", number=number, type=kind.TYPE_MESSAGE, type_name=f".{package}.{name}",
            label=kind.LABEL_OPTIONAL, oneof_index=0,
        )  # fmt: skip
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    message = {"type": kind.TYPE_MESSAGE}
    entry.field.add(name="value", number=2, type_name=f".{package}.Feature", label=kind.LABEL_OPTIONAL, **message)
    inside = f".{package}.Features.FeatureEntry"
    features.field.add(name="feature", number=1, type_name=inside, label=kind.LABEL_REPEATED, **message)
    file.message_type.add(name="Example").field.add(
        name="features", number=1, type_name=f".{package}.Features", label=kind.LABEL_OPTIONAL, **message
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.Example"))


def _masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
