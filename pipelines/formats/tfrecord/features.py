"""What TFDS writes beside its records: `features.json`, the shape of every feature, and `dataset_info.json`, how many records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.sources import Rejected

STEPS = "steps"

_SHARD = re.compile(r"(?P<dataset>[^/]+)-(?P<split>[^-/]+)\.tfrecord-(?P<number>\d+)-of-(?P<total>\d+)")


@dataclass(frozen=True, slots=True)
class Feature:
    """One leaf: `shape` of one step, `kind` (tensor, image, text, other), `dtype` as numpy names it.

    `encoding`: none, or how each tensor lies in a text of bytes (bytes, zlib). `said`: its description.
    """

    shape: tuple[int, ...]
    kind: str
    dtype: str = ""
    encoding: str = "none"
    said: str = ""


@dataclass(frozen=True, slots=True)
class Shard:
    """What a file's name and dataset_info.json say of it: `records` in it, None where nothing says it."""

    dataset: str | None = None
    split: str | None = None
    number: int = 0
    total: int = 1
    records: int | None = None
    version: str | None = None


def parse_features(data: bytes, name: str) -> dict[str, Feature]:
    """Key (`steps/observation/image`, `episode_metadata/file_path`) → feature. Raises Rejected (`meta_damaged`)."""
    try:
        found = dict(_leaves(json.loads(data), ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Rejected("meta_damaged", f"{name} is no features.json of TFDS ({error}): copy it again") from error
    if not any(key.startswith(f"{STEPS}/") for key in found):
        raise Rejected("meta_damaged", f"{name} describes no `steps`: it is no dataset of episodes (RLDS)")
    return found


def shard_of(name: str, info: bytes | None, info_name: str) -> Shard:
    """What is known of a file by its name and by the bytes of dataset_info.json. Raises Rejected (`meta_damaged`)."""
    match = _SHARD.search(name)
    found = Shard(match["dataset"], match["split"], int(match["number"]), int(match["total"])) if match else Shard()
    if info is None:
        return found
    try:
        said = json.loads(info)
        dataset, version = said.get("name"), said.get("version")
        lengths = next((one["shardLengths"] for one in said.get("splits", ()) if one["name"] == found.split), ())
        records = int(lengths[found.number]) if len(lengths) == found.total else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Rejected("meta_damaged", f"{info_name} is no dataset_info.json of TFDS ({error}): copy it again") from error
    return Shard(dataset or found.dataset, found.split, found.number, found.total, records, version)


def absent_shards(names: list[str]) -> Iterator[str]:
    """Names of the files that belong to those that are there (`…-00001-of-00002`), and are not."""
    sets: dict[tuple[str, int], tuple[set[int], int]] = {}
    for name in names:
        if match := _SHARD.search(name):
            numbers, _ = sets.setdefault((name[: match.start("number")], int(match["total"])), (set(), len(match["number"])))
            numbers.add(int(match["number"]))
    for (prefix, total), (numbers, digits) in sorted(sets.items()):
        yield from (f"{prefix}{n:0{digits}d}-of-{total:0{digits}d}" for n in range(total) if n not in numbers)


def _leaves(said: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Feature]]:
    described = str(said.get("description", ""))
    if "featuresDict" in said:
        for name, inner in said["featuresDict"]["features"].items():
            yield from _leaves(inner, f"{prefix}/{name}" if prefix else name)
    elif "sequence" in said:
        length = int(said["sequence"].get("length") or -1)
        for key, leaf in _leaves(said["sequence"]["feature"], prefix):
            if prefix == STEPS:
                yield key, leaf
            else:  # a sequence in a step: of one length it is a further dimension, else its rows lie in keys of their own
                fixed = length > 0 and leaf.kind == "tensor"
                yield key, Feature((length, *leaf.shape), "tensor", leaf.dtype) if fixed else Feature((), "other")
    elif "image" in said:
        yield prefix, Feature(_shape(said["image"]), "image", str(said["image"].get("dtype", "uint8")), said=described)
    elif "text" in said:
        yield prefix, Feature((), "text", said=described)
    elif "classLabel" in said:
        yield prefix, Feature((), "tensor", "int64", said=described)
    elif "tensor" in said:
        tensor = said["tensor"]
        kind = "text" if tensor.get("dtype") == "string" else "tensor"
        encoding = str(tensor.get("encoding", "none")).lower()
        yield prefix, Feature(_shape(tensor), kind, str(tensor.get("dtype", "")), encoding, described)
    elif prefix:
        yield prefix, Feature((), "other", said=described)


def _shape(said: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in (said.get("shape") or {}).get("dimensions", ()))
