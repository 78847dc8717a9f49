"""One RLDS episode: the features of a record, flat lists in it, cut into steps by the shapes of features.json."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.formats.arrays.pictures import Picture
from pipelines.formats.tfrecord.features import STEPS, Feature
from pipelines.formats.tfrecord.records import Values
from pipelines.sources import Rejected

Array = npt.NDArray[Any]


class RldsEpisode:
    """See `pipelines.formats.arrays.places.Arrays`; keys are without `steps/`. The first text of each feature of texts, and the
    episode's own metadata, are attributes; an empty text is none.

    Raises Rejected: `length_mismatch` for a feature that does not fill the steps, `step_flags_unfit`.
    """

    def __init__(self, values: Mapping[str, Values], features: Mapping[str, Feature], native_id: str) -> None:
        self.native_id = native_id
        self._values = {key.removeprefix(f"{STEPS}/"): found for key, found in values.items() if key.startswith(f"{STEPS}/")}
        self._features = {
            key.removeprefix(f"{STEPS}/"): found for key, found in features.items() if key.startswith(f"{STEPS}/")
        }
        self._rest = {key: found for key, found in values.items() if not key.startswith(f"{STEPS}/")}
        self.steps = self._count()
        self._check_flags()

    def names(self) -> Sequence[str]:
        """Keys of all features per step that are numbers or pictures."""
        return tuple(key for key in self._values if self._kind(key) != "text" and len(self._values[key]))

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of a feature over all steps."""
        feature = self._features.get(key)
        return (self.steps, *(feature.shape if feature and feature.kind == "tensor" else ()))

    def array(self, key: str) -> Array:
        """A feature over all steps. Raises Rejected (`length_mismatch`, `array_undecodable`)."""
        feature = self._features.get(key) or Feature((), "other")
        values = self._values[key]
        if isinstance(values, list):
            values = self._unpacked(key, values, feature)
        shape = self.shape(key)
        if -1 in shape or len(values) != int(np.prod(shape)):
            message = (
                f"{self.native_id}: steps/{key} has {len(values)} values, not a multiple that fits T={self.steps} "
                f"(expected {' x '.join(map(str, shape))})"
            )
            raise Rejected("length_mismatch", message, {"key": key, "values": len(values), "shape": list(shape)})
        return values.reshape(shape).astype(bool) if feature.dtype == "bool" else values.reshape(shape)

    def picture(self, key: str, row: int) -> Picture:
        """The encoded picture of one step. Raises Rejected (`length_mismatch`)."""
        values = self._values[key]
        if not isinstance(values, list) or len(values) != self.steps:
            message = f"{self.native_id}: steps/{key} has {len(values)} pictures for {self.steps} steps"
            raise Rejected("length_mismatch", message, {"key": key})
        return bytes(values[row])

    def attributes(self) -> Mapping[str, Any]:
        """First texts of the features of texts, `language_instruction` among them, and `episode_metadata/…`."""
        found: dict[str, Any] = {}
        for key in self._values:
            if self._kind(key) == "text" and (texts := [text for text in self._texts(key) if text.strip()]):
                found[key] = texts[0]
        for key, values in self._rest.items():
            plain = _plain(values)
            if not plain or plain == [""]:
                continue
            whole = "\n".join(plain) if isinstance(plain[0], str) else np.array(plain)
            found[key] = plain[0] if len(plain) == 1 else whole
        return found

    def changes(self) -> dict[str, list[dict[str, Any]]]:
        """Key → the steps at which a text changes, with the text from there on, for texts that are not the same all along."""
        found = {}
        for key in self._values:
            if self._kind(key) == "text" and len(set(texts := self._texts(key))) > 1:
                starts = [step for step, text in enumerate(texts) if step == 0 or text != texts[step - 1]]
                found[key] = [{"step": step, "text": texts[step]} for step in starts]
        return found

    def pictures(self) -> list[str]:
        """Keys of all features that are pictures."""
        return [key for key in self._values if self._kind(key) == "image" and len(self._values[key])]

    def described(self, key: str) -> str | None:
        """What features.json says a feature is, in words; None where it says nothing."""
        feature = self._features.get(key)
        return (feature.said.strip() or None) if feature else None

    def _kind(self, key: str) -> str:
        feature = self._features.get(key)
        return feature.kind if feature else "text" if isinstance(self._values[key], list) else "tensor"

    def _texts(self, key: str) -> list[str]:
        return [value.decode(errors="replace") for value in self._values[key] if isinstance(value, bytes)]

    def _unpacked(self, key: str, values: list[bytes], feature: Feature) -> Array:
        """Tensors that TFDS stored as bytes, one text of bytes per step, flat."""
        try:
            dtype = np.dtype(feature.dtype)
            size = int(np.prod(feature.shape)) * dtype.itemsize
            if feature.encoding == "zlib":
                values = [zlib.decompressobj().decompress(value, size + 1) for value in values]
            elif feature.encoding != "bytes" or dtype.hasobject:
                raise ValueError(f"it is stored as {len(values)} texts of bytes and features.json does not say how")
            return np.frombuffer(b"".join(values), dtype)
        except (TypeError, ValueError, zlib.error) as error:
            message = f"{self.native_id}: steps/{key} cannot be decoded: {error}: leave it out of `fields`"
            raise Rejected("array_undecodable", message, {"key": key}) from error

    def _count(self) -> int:
        for key in ("is_first", "is_last", "is_terminal", "reward"):
            if key in self._values and len(self._values[key]):
                return len(self._values[key])
        lengths = {len(v) for k, v in self._values.items() if self._features.get(k, Feature((1,), "")).shape == ()}
        if len(lengths) != 1:
            message = f"{self.native_id}: no feature says how many steps there are (is_first is absent)"
            raise Rejected("step_flags_unfit", message)
        return next(iter(lengths))

    def _check_flags(self) -> None:
        for key, wanted in (("is_first", 0), ("is_last", self.steps - 1)):
            values = self._values.get(key)
            if values is None or isinstance(values, list):
                continue
            wrong = np.flatnonzero(values != (np.arange(self.steps) == wanted)) if len(values) == self.steps else np.array([0])
            if len(wrong):
                step = int(wrong[0])
                said = "is not" if step == wanted else "is"
                message = f"{self.native_id}: {key} {said} set at step {step}"
                raise Rejected("step_flags_unfit", message, {"step": step, "flag": key})


def _plain(values: Values) -> list[Any]:
    """Values as text and numbers."""
    if not isinstance(values, list):
        return list(values.tolist())
    return [value.decode(errors="replace") for value in values]
