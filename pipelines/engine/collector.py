"""Memory between shards: Python's collector of cycles, when it is not wanted, and what Arrow keeps."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for cycles inside the block, and what is made in it is not searched until the next such block.

    Decoding a shard makes millions of small objects and no cycles; each search walks through all of them (a fifth of the
    time of an annotator of ARC grids, measured).
    """
    was_on = gc.isenabled()
    gc.disable()
    gc.unfreeze()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def give_memory_back() -> None:
    """Before the next shard is read: what Arrow holds ready is a fifth of a worker's memory (measured)."""
    pa.default_memory_pool().release_unused()
