"""A long recording fits in a small machine."""

from __future__ import annotations

import io
import json
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from PIL import Image

from .conftest import Workplace

SCREENSHOTS, SCREENSHOT_BYTES = 1_800, 1_200_000
LIMIT = 1_000_000_000


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_hour_of_screenshots_stays_under_a_gigabyte(tmp_path: Path, workplace: Callable[..., Workplace]) -> None:
    """1,800 screenshots of 1.2 MB, read, compared pixel by pixel and published: the whole process tree, all the time."""
    write_hour(tmp_path / "hour.zip")
    place = workplace([{"name": "hour", "reader": "playwright", "uri": "hour.zip"}], ["gui.state_change"])
    process = subprocess.Popen(place.command("run"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_memory(process.pid))
        time.sleep(0.2)
    assert process.returncode == 0
    steps = pq.read_table(next(place.release.glob("gui_steps/*.parquet")), columns=["step", "screenshot_missing"])
    assert steps.num_rows == SCREENSHOTS
    assert steps["screenshot_missing"].null_count == SCREENSHOTS
    (series,) = pq.read_table(next(place.release.glob("scalars/change/*.parquet"))).to_pylist()
    assert len(series["values"]) == SCREENSHOTS - 1
    print(f"\npeak of the process tree: {peak / 1e6:.0f} MB")
    assert peak < LIMIT


def tree_memory(pid: int) -> int:
    """Proportional set size of a process and all below it: shared pages are counted once."""
    total = 0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def write_hour(path: Path) -> None:
    """A Playwright trace of 1,800 clicks, 2 s apart, each with its own JPEG of 1.2 MB."""
    random = np.random.default_rng(0)
    bases = [_noise(random) for _ in range(8)]
    lines = [
        {"type": "context-options", "version": 8, "browserName": "chromium", "platform": "linux", "wallTime": 1_700_000_000_000,
         "monotonicTime": 0, "options": {"viewport": {"width": 1280, "height": 720}}},
    ]  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(SCREENSHOTS):
            name = f"frame{number:05d}.jpeg"
            archive.writestr(f"resources/{name}", _padded(bases[number % len(bases)], number))
            at = 2_000 * number
            lines += [
                {"type": "screencast-frame", "pageId": "page@1", "sha1": name, "width": 1280, "height": 720, "timestamp": at + 100},
                {"type": "before", "callId": f"call@{number}", "startTime": at + 500, "class": "Page", "method": "mouseClick",
                 "title": "Click", "params": {"x": 10, "y": 20}, "pageId": "page@1"},
                {"type": "after", "callId": f"call@{number}", "endTime": at + 600},
            ]  # fmt: skip
        archive.writestr("trace.trace", "\n".join(json.dumps(line) for line in lines))


def _noise(random: np.random.Generator) -> bytes:
    pixels = random.integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def _padded(jpeg: bytes, number: int) -> bytes:
    """The JPEG with comment segments of its number in front, up to the size of a screenshot."""
    missing = max(0, SCREENSHOT_BYTES - len(jpeg))
    comment = b"".join(
        b"\xff\xfe"
        + (min(60_000, missing - at) + 2).to_bytes(2, "big")
        + number.to_bytes(4, "big").ljust(min(60_000, missing - at), b"\0")
        for at in range(0, max(missing, 4), 60_000)
    )
    return jpeg[:2] + comment + jpeg[2:]
