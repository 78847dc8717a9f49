"""Ways to damage one file of a source, each decided by a seed and a number alone.

A `Mutation` holds the changed bytes, so that it can be applied, judged and made again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
COUNTS = (
    "length", "total_episodes", "total_frames", "total_tasks", "total_videos", "total_chunks", "chunks_size", "shardLengths",
    "shape", "chunks", "chunk_shape", "dimensions", "message_count", "trajectory_length", "episode_index", "task_index", "fps",
)  # fmt: skip
"""Keys of metadata in text whose numbers count something."""

_NUMBER = re.compile(rb'"?(\w+)"?\s*:\s*[\["\s]*(\d+)')

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Mutation:
    """`changed`: name → new bytes, None for a file that is taken away. `at`: where in `file` bytes changed, if they did."""

    kind: str
    file: str
    changed: dict[str, bytes | None]
    says: str
    at: range = range(0)


Kind = Callable[[random.Random, str, Files], Mutation | None]


def flip(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """One bit."""
    at, bit = dice.randrange(len(files[name])), dice.randrange(8)
    data = bytearray(files[name])
    data[at] ^= 1 << bit
    return Mutation("flip", name, {name: bytes(data)}, f"bit {bit} of byte {at}", range(at, at + 1))


def overwrite(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """Some bytes become noise."""
    at = _stretch(dice, files[name])
    return Mutation("overwrite", name, {name: _put(files[name], at, dice.randbytes(len(at)))}, f"noise at {_said(at)}", at)


def zero(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """Some bytes become zeros, as a hole in a file does."""
    at = _stretch(dice, files[name])
    return Mutation("zero", name, {name: _put(files[name], at, bytes(len(at)))}, f"zeros at {_said(at)}", at)


def header(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """The first bytes become noise."""
    at = range(0, min(len(files[name]), dice.choice((4, 8, 16))))
    return Mutation("header", name, {name: _put(files[name], at, dice.randbytes(len(at)))}, f"noise at {_said(at)}", at)


def truncate(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """The end is lost."""
    size = len(files[name])
    end = dice.choice((dice.randrange(1, size), max(1, size - dice.randrange(1, 64)))) if size > 1 else 1
    return Mutation("truncate", name, {name: files[name][:end]}, f"cut to {end} of {size}", range(end, size))


def lose(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """Bytes in the middle are lost, and the rest moves up."""
    at = _stretch(dice, files[name])
    changed = files[name][: at.start] + files[name][at.stop :]
    return Mutation("lose", name, {name: changed}, f"lost {_said(at)}", at) if changed else None


def double(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """Bytes in the middle stand twice."""
    at = _stretch(dice, files[name])
    changed = files[name][: at.stop] + files[name][at.start :]
    return Mutation("double", name, {name: changed}, f"twice {_said(at)}", at)


def swap(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """Two files of one kind change places."""
    suffix = PurePosixPath(name).suffix
    others = [n for n in sorted(files) if n != name and PurePosixPath(n).suffix == suffix and files[n] != files[name]]
    if not others:
        return None
    other = dice.choice(others)
    return Mutation("swap", name, {name: files[other], other: files[name]}, f"swapped with {other}")


def empty(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """Nothing is left but the name."""
    return Mutation("empty", name, {name: b""}, "no bytes")


def remove(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """The file is gone."""
    return Mutation("remove", name, {name: None}, "gone")


def pointer(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """A Git LFS pointer stands in its place."""
    return Mutation("pointer", name, {name: POINTER}, "a Git LFS pointer")


def count(dice: random.Random, name: str, files: Files) -> Mutation | None:
    """A number that counts something is another one, in metadata that is text."""
    places = [
        (n, match)
        for n in sorted(files)
        if b"\0" not in files[n]
        for match in _NUMBER.finditer(files[n])
        if match[1].decode() in COUNTS
    ]
    if not places:
        return None
    name, match = dice.choice(places)
    before = int(match[2])
    after = dice.choice([n for n in (before + 1, max(0, before - 1), before * 10 + 7, 0) if n != before])
    data = files[name][: match.start(2)] + str(after).encode() + files[name][match.end(2) :]
    return Mutation("count", name, {name: data}, f"{match[1].decode()} {before} becomes {after}")


KINDS: tuple[Kind, ...] = (flip, truncate, overwrite, swap, flip, count, zero, lose, header, double, pointer, remove, empty)
BYTES = ("flip", "overwrite", "zero")
"""Kinds that leave every byte where it was."""


def mutation(seed: int, number: int, files: Files, more: tuple[Kind, ...] = (), of: int = 1) -> Mutation:
    """The mutation of a number. Every `of` numbers the next kind is taken; one that does not fit gives way to the next."""
    dice = random.Random(f"{seed}/{number}")
    kinds = (*KINDS, *more)
    by_size = [max(1, len(data)) for data in files.values()]
    for turn in range(len(kinds)):
        kind = kinds[(number // of + turn) % len(kinds)]
        names = sorted(files)
        name = dice.choice(names) if dice.random() < 0.5 else dice.choices(list(files), by_size)[0]
        found = kind(dice, name, files)
        if found is not None and any(files.get(n) != data for n, data in found.changed.items()):
            return found
    raise AssertionError("no kind of mutation fits these files")


def _stretch(dice: random.Random, data: bytes) -> range:
    size = min(len(data), dice.choice((1, 2, 4, 16, 100, 1000)))
    start = dice.randrange(len(data) - size + 1)
    return range(start, start + size)


def _put(data: bytes, at: range, new: bytes) -> bytes:
    return data[: at.start] + new + data[at.stop :]


def _said(at: range) -> str:
    return f"bytes {at.start} to {at.stop}"
