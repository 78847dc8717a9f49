"""What a browser shows where Label Studio seeks to: frame f of a video at (f - 1) / fps plus two milliseconds."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from pipelines.review.media import Media, robot_full_rate, robot_proxy
from pipelines.review.stories import arc_story

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/data"
STREAM = "observation.images.agentview"
SEEK = """async ([data, times]) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  const video = document.createElement('video');
  video.muted = true; video.preload = 'auto';
  video.src = URL.createObjectURL(new Blob([bytes], {type: 'video/mp4'}));
  document.body.append(video);
  await new Promise((ok, no) => { video.onloadeddata = ok; video.onerror = () => no(video.error.message); });
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext('2d'), pictures = [];
  for (const time of times) {
    await new Promise(ok => { video.onseeked = ok; video.currentTime = time; });
    await new Promise(ok => requestAnimationFrame(() => requestAnimationFrame(ok)));
    context.drawImage(video, 0, 0);
    pictures.push(canvas.toDataURL('image/png').split(',')[1]);
  }
  return {duration: video.duration, pictures};
}"""


def seen(chromium: Any, media: Media, frames: Sequence[int]) -> list[np.ndarray]:
    """What the browser draws at the 1-based frames of the video."""
    assert media.surface.fps is not None
    data = base64.b64encode(media.files[0].read_bytes()).decode()
    page = chromium.new_page()
    try:
        found = page.evaluate(SEEK, [data, [(frame - 1) / media.surface.fps + 0.002 for frame in frames]])
    finally:
        page.close()
    assert round(found["duration"] * media.surface.fps) == len(media.surface.frames), "as Label Studio counts frames"
    decoded = [cv2.imdecode(np.frombuffer(base64.b64decode(p), np.uint8), cv2.IMREAD_COLOR) for p in found["pictures"]]
    return [np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)) for picture in decoded]


def shown(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def nearest(picture: np.ndarray, among: Sequence[np.ndarray]) -> int:
    return int(np.argmin([np.abs(other.astype(int) - picture).mean() for other in among]))


def test_frames_of_a_camera(chromium: Any, read_source: Callable[..., Any], tmp_path: Path) -> None:
    """The stored video itself, which has B-frames, and the proxy made from it."""
    view = read_source("lerobot", EXAMPLES / "lift").view("s/episode_000000")
    stored, proxy = robot_full_rate(view, STREAM, tmp_path / "out"), robot_proxy(view, STREAM, tmp_path / "out")
    originals = shown(stored.files[0])
    for media in (stored, proxy):
        frames = [1, 2, 9, 31, 30, len(media.surface.frames)]
        found = [nearest(picture, originals) for picture in seen(chromium, media, frames)]
        assert found == [media.surface.frames[frame - 1] for frame in frames]


def test_colours_of_a_story(chromium: Any, read_source: Callable[..., Any], tmp_path: Path) -> None:
    """Colours come out as they were drawn but for Chromium's rounding (12 levels of blue in pure yellow, measured)."""
    view = read_source("braingridgame", EXAMPLES / "arc").view("s/cut_out_crop")
    media = arc_story(view, None, tmp_path / "out")
    assert media.grid is not None
    x, y, cell, rows, columns = media.grid
    own = shown(media.files[0])
    frames = [2, 20, 11]
    for frame, picture in zip(frames, seen(chromium, media, frames), strict=True):
        middles = (slice(y + cell // 2, y + rows * cell, cell), slice(x + cell // 2, x + columns * cell, cell))
        assert np.abs(picture[middles].astype(int) - own[frame - 1][middles]).max() <= 14
