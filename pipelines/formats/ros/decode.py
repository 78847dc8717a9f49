"""Bytes of a message to a message: JSON, protobuf, CDR (ROS 2) and ROS 1, by the definitions that the bag itself carries.

A definition in a bag that does not fit its messages, or is not there (bags before ROS 2 Iron), is replaced by the standard
one of the same name, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from pipelines.extras import library
from pipelines.sources import Rejected

EXTRA = "ros"

Decode = Callable[[bytes], Any]


def json_decoder() -> Decode:
    """Of JSON messages."""
    return orjson.loads


def protobuf_decoder(name: str, definition: bytes) -> Decode:
    """Of protobuf messages, by the FileDescriptorSet that defines them. Raises Rejected (`schema_unreadable`)."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.message import DecodeError

    try:
        pool = descriptor_pool.DescriptorPool()
        waiting = list(descriptor_pb2.FileDescriptorSet.FromString(definition).file)
        known: set[str] = set()
        while waiting:
            ready = [file for file in waiting if known.issuperset(file.dependency)]
            if not ready:
                raise ValueError(f"{waiting[0].name} needs files that are not there: {list(waiting[0].dependency)}")
            for file in ready:
                pool.Add(file)
                known.add(file.name)
            waiting = [file for file in waiting if file.name not in known]
        made: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    except (DecodeError, KeyError, TypeError, ValueError) as error:
        raise Rejected("schema_unreadable", f"the protobuf definition of {name} cannot be used ({error})") from error
    decode: Decode = made.FromString
    return decode


class RosTypes:
    """Decoders of ROS messages by type name; ROS 1 and ROS 2 differ in how bytes are laid out."""

    def __init__(self, version: int = 2) -> None:
        """Raises Rejected (`extra_missing`)."""
        self._typesys = library("rosbags.typesys", EXTRA, "reading ROS messages")
        stores = self._typesys.Stores
        self._version = version
        self._standard = self._typesys.get_typestore(stores.ROS1_NOETIC if version == 1 else stores.LATEST)
        self.replaced: set[str] = set()

    def decoder(self, name: str, definition: str | None, idl: bool = False) -> Decode:
        """The decoder of a type (`sensor_msgs/msg/JointState`). Raises Rejected (`schema_unreadable`) where there is no definition."""
        own = self._own(name, definition, idl)
        standard = self._decode(self._standard, name) if name in self._standard.types else None
        if own is not None:
            return own if standard is None else self._either(name, own, standard)
        if standard is None:
            message = f"{name} is no standard message and the bag carries no definition of it that can be read"
            raise Rejected("schema_unreadable", message, {"type": name})
        self.replaced.add(name)
        return standard

    def _either(self, name: str, own: Decode, standard: Decode) -> Decode:
        """Decode by the bag's own definition; where that does not fit the bytes, by the standard one."""

        def decode(data: bytes) -> Any:
            if name in self.replaced:
                return standard(data)
            try:
                return own(data)
            except Exception:  # noqa: BLE001 - a definition that does not fit makes the decoder stop anywhere
                message = standard(data)
                self.replaced.add(name)
                return message

        return decode

    def _own(self, name: str, definition: str | None, idl: bool) -> Decode | None:
        if not definition:
            return None
        types = self._typesys
        store = types.get_typestore(types.Stores.EMPTY)
        try:
            found = types.get_types_from_idl(definition) if idl else types.get_types_from_msg(definition, name)
            store.register(found)
        except Exception:  # noqa: BLE001 - a parser of foreign text; the standard definition takes its place
            return None
        return self._decode(store, name)

    def _decode(self, store: Any, name: str) -> Decode:
        if self._version == 1:
            return lambda data: store.deserialize_ros1(data, name)
        return lambda data: store.deserialize_cdr(data, name)
