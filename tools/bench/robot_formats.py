"""What robot formats cost: the functions of our jobs against a plain loop of the same work, in one run, with a warm cache.

    python -m tools.bench.robot_formats [--parts video frames steps convert] [--pairs 7] [--episodes 250] [--rows 400]

*video*: clips of 3 MB and more against `shutil.copyfile` and sha256 of the same files. *frames*: annotators that look at
pictures against PyAV's decoding and conversion to the pixel format that they use, one single-threaded process. *steps*: LeRobot
tables without cameras through the whole ingest job, with its decode child (read, typed, checked, written as zstd), against
rows as Python dicts. *convert*: LeRobot v2.1 to v3.0 with `cairn run` and `cairn export` beside a converter that decodes and
encodes every frame.

Real clips (a Unitree G1, AV1) are looked for in ../shared/data, the rest is made from a seed in a temporary folder. Ours and
the plain loop run in turn, and medians are compared: CPU seconds of all processes, since the machine may be busy; wall seconds
stand beside them. Exit status 1 where a threshold is not met.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow as pa

from pipelines.formats.video.clips import undecodable
from pipelines.io.media import MediaReader, MediaWriter, sha256_of
from pipelines.io.parquet import write_parquet
from pipelines.io.video import Packet, Scan, StoredVideo, scan_video, store_video
from pipelines.stages.release import embedded_groups
from schemas.arrow import columns_of, published_schema, stored_schema, table_from_rows
from tools.bench import lerobot_baseline
from tools.bench.made_robot import DIMENSIONS, FPS, made_clip, made_v21, made_v30
from tools.bench.robot_frames import FRAMES, film_view, raw_of
from tools.bench.robot_steps import apart
from tools.bench.turns import Cost, Work, in_turn, once

G1 = Path(__file__).resolve().parents[3] / "shared" / "data" / "robot" / "g1_v21"
PARTS = ("video", "frames", "steps", "convert")
CLIP_BYTES = 3_000_000


@dataclass
class Table:
    """Lines as they are measured, and which thresholds were not met."""

    missed: list[str] = field(default_factory=list)

    def line(self, name: str, said: str, value: float | None = None, least: float | None = None, unit: str = "%") -> None:
        """Print a line; `value` is held against `least` where there is a threshold."""
        verdict = ""
        if value is not None and least is not None:
            met = value >= least
            verdict = f"  [at least {least:,.0f} {unit}: {'met' if met else 'NOT MET'}]"
            if not met:
                self.missed.append(name)
        print(f"  {name:58} {said}{verdict}", flush=True)

    def ratio(self, name: str, ours: Cost, raw: Cost, each: int, least: float | None = None) -> None:
        """Ours against raw, of `each` pieces: how much of raw's speed it has."""
        share = 100 * raw.cpu / ours.cpu
        said = (
            f"{1e3 * ours.cpu / each:8.3f} ms CPU ({1e3 * ours.wall / each:8.3f} wall), plain {1e3 * raw.cpu / each:8.3f} "
            f"({1e3 * raw.wall / each:8.3f}): {share:5.1f} % of its speed ({100 * raw.wall / ours.wall:5.1f} % wall)"
        )
        self.line(name, said, share, least)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--pairs", type=int, default=7, help="measurements of each, in turn (default 7)")
    parser.add_argument("--episodes", type=int, default=250, help="episodes of the step tables (default 250)")
    parser.add_argument(
        "--rows", type=int, default=400, help="rows of each of them (default 400; their product: 100,000 or more)"
    )
    parser.add_argument("--frames", type=int, default=300, help="frames of a clip that annotators look at (default 300)")
    parser.add_argument("--g1", type=Path, default=G1, help="LeRobot v2.1 dataset with clips of 3 MB and more")
    parser.add_argument("--folder", type=Path, help="where made inputs are kept for another time")
    given = parser.parse_args(argv)
    print(machine(), flush=True)
    table = Table()
    with tempfile.TemporaryDirectory() as temporary:
        kept = given.folder or Path(temporary, "made")
        kept.mkdir(parents=True, exist_ok=True)
        bench = Bench(table, Path(temporary), kept, given.pairs, given.g1)
        for part in given.parts:
            if part == "steps":
                bench.steps(given.episodes, given.rows)
            elif part == "frames":
                bench.frames(given.frames)
            else:
                getattr(bench, part)()
    if table.missed:
        print(f"not met: {', '.join(table.missed)}")
        sys.exit(1)


def machine() -> str:
    """Processor, cores, load and versions, in a line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
    return (
        f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, PyAV "
        f"{av.__version__}, pyarrow {pa.__version__}, numpy {np.__version__}"
    )


@dataclass(frozen=True)
class Bench:
    """The measurements. `folder` is for what they write, `made` holds made inputs."""

    table: Table
    folder: Path
    made: Path
    pairs: int
    g1: Path

    def video(self) -> None:
        """Ingest of whole clips: what a clip costs."""
        for name, clips in self._clips().items():
            sizes = f"{len(clips)} of {statistics.mean(clip.stat().st_size for clip in clips) / 1e6:.1f} MB"
            print(f"video, {name}, {sizes}, a clip each:", flush=True)
            assert all(clip.stat().st_size >= CLIP_BYTES for clip in clips)
            each = len(clips)

            plain = _over(self._copied_and_hashed, clips)
            for what, work, least in self._works(clips):
                ours, raw = self._turns(work, plain)
                self.table.ratio(what, ours, raw, each, least)

    def frames(self, number: int) -> None:
        """Annotators of pictures: a frame each. OpenCV works in one thread, as the decoder does."""
        cv2.setNumThreads(1)
        for name, clips in self._clips().items():
            print(f"frames, {name}, {number} frames, a frame each:", flush=True)
            view = film_view(clips[0], self.folder / "film", number)
            for what, form, work in FRAMES:
                ours, raw = self._turns(partial(work, view), partial(raw_of, clips[0], form, number))
                own = 1e3 * (ours.cpu - raw.cpu) / number
                cheap = own <= 0.2
                self.table.ratio(f"{what} ({form}), itself {own:.2f} ms", ours, raw, number, 90 if cheap else None)

    def steps(self, episodes: int, rows: int) -> None:
        """Step tables: rows per CPU second, of our process and its decode child."""
        if episodes * rows < 100_000:
            print(f"steps: {episodes} x {rows} rows are fewer than the 100,000 of a large file", flush=True)
        print(f"steps, {episodes} episodes of {rows} rows, state and action of {DIMENSIONS} at {FPS} Hz:", flush=True)
        for version, make, least in (("v2.1, a file per episode", made_v21, 80_000), ("v3.0, one file", made_v30, 200_000)):
            source = self.made / f"{version.split(',')[0]}-{episodes}-{rows}"
            if not source.exists():
                make(source, episodes, rows)
            ours, plain = (apart(what, source, self.folder, max(3, self.pairs // 2)) for what in ("ours", "plain"))
            speed = episodes * rows / ours.cpu
            said = (
                f"{speed:9,.0f} rows/CPU s, rows as dicts {episodes * rows / plain.cpu:9,.0f}: {plain.cpu / ours.cpu:.1f} times"
            )
            self.table.line(version, said, speed, least, "rows/CPU s")

    def convert(self) -> None:
        """LeRobot v2.1 to v3.0: start-up of the commands included."""
        if not self.g1.is_dir():
            print(f"convert: left out, {self.g1} is not there", flush=True)
            return
        recipe, work = self.folder / "recipe.yaml", self.folder / "work"
        recipe.write_text(
            f"name: bench\nlicense: mit\nworkspace: {work}\nrelease: {{version: 0.1.0, repo_id: null}}\n"
            f"sources:\n  - {{name: g1, reader: lerobot, uri: {self.g1}, license: mit, max_reject_ratio: 1.0}}\n"
        )
        cairn = [sys.executable, "-c", "from tools.cli import main; main()"]

        def ours() -> None:
            _run([*cairn, "run", str(recipe)])
            release = next(work.rglob("MANIFEST.sha256")).parent
            _run([*cairn, "export", str(release), "--format", "lerobot-v3.0", "--to", str(self.folder / "v30")])

        mine, theirs = once(ours), once(lambda: lerobot_baseline.convert(self.g1, self.folder / "again"))
        print("convert, the dataset's episodes that are there, v2.1 to v3.0:", flush=True)
        self.table.line("cairn run (a release) and cairn export, packets copied", f"{mine.cpu:6.1f} CPU s, {mine.wall:6.1f} s")
        said = f"{theirs.cpu:6.1f} CPU s, {theirs.wall:6.1f} s: {theirs.cpu / mine.cpu:.1f} times our CPU"
        self.table.line(f"re-encoding with {lerobot_baseline.ENCODER}", said)

    def _works(self, clips: Sequence[Path]) -> Iterator[tuple[str, Work, float | None]]:
        """What is done with whole clips, and the share of the plain work's speed that it should have."""
        yield "whole-file copy + sha256 + packet count and times", _over(self._kept_whole, clips), 45
        digests = {clip: sha256_of(clip) for clip in clips}
        yield "remux + sha256 + packet count and times", _over(lambda clip: self._stored(clip, digests[clip]), clips), 40
        yield "the same, and sha256 of the source", _over(self._stored, clips), None
        chosen = {clip: _some_frames(scan_video(clip)) for clip in clips}
        yield (
            "sampled decode: first, last and a random frame",
            _over(lambda clip: undecodable(clip, *chosen[clip]), clips),
            None,
        )
        yield "embedding in Parquet, as a release does", self._embedding(clips), None

    def _clips(self) -> dict[str, list[Path]]:
        """Clips by what they are: real ones where they are there, else made; H.264 is always made."""
        real = sorted(path for path in self.g1.rglob("*.mp4") if path.stat().st_size >= CLIP_BYTES) if self.g1.is_dir() else []
        found = {"real AV1 clips": real}
        if not real:
            av1 = self.made / "av1.mp4"
            found = {"made AV1 clips": [av1 if av1.exists() else made_clip(av1, "libsvtav1", 700, 2)]}
        h264 = self.made / "h264.mp4"
        found["made H.264 clips"] = [h264 if h264.exists() else made_clip(h264, "libx264", 400, 15)]
        return found

    def _turns(self, ours: Work, plain: Work, pairs: int | None = None) -> tuple[Cost, Cost]:
        """Both in turn; what they wrote is deleted after each."""

        def between() -> None:
            for leftover in ("staged", "copies", "workspace"):
                shutil.rmtree(self.folder / leftover, ignore_errors=True)

        return in_turn(ours, plain, pairs or self.pairs, between)

    def _copied_and_hashed(self, clip: Path) -> str:
        """The plain work: a copy of the file, and its sha256."""
        (self.folder / "copies").mkdir(exist_ok=True)
        shutil.copyfile(clip, self.folder / "copies" / clip.name)
        with clip.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _kept_whole(self, clip: Path) -> int:
        """A file that is kept as it is; our readers keep none whole, since a copy of packets leaves private things behind."""
        copy = self.folder / "copies" / clip.name
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(clip, copy)
        MediaWriter(self.folder / "staged", "pack").add_file(copy, clip.suffix)
        return len(scan_video(clip).times)

    def _stored(self, clip: Path, digest: str | None = None) -> StoredVideo:
        return store_video(clip, "front", MediaWriter(self.folder / "staged", "pack"), media_sha256=digest)

    def _embedding(self, clips: Sequence[Path]) -> Work:
        """The clips, which are stored already, as rows of `videos` in a published Parquet file."""
        writer = MediaWriter(self.folder / "kept", "pack")
        stored = [store_video(clip, "front", writer) for clip in clips]
        columns = columns_of("videos")
        rows = [{"trajectory_id": f"s/{number}", **row} for number, one in enumerate(stored) for row in one.rows]
        table = table_from_rows(stored_schema("videos", columns), rows)
        media = MediaReader(str(self.folder / "kept"), writer.added)
        path, schema = self.folder / "videos.parquet", published_schema("videos", columns)
        return lambda: write_parquet(path, schema, embedded_groups(table, "videos", columns, media), columns)


def _over(work: Callable[[Path], object], clips: Sequence[Path]) -> Work:
    return lambda: [work(clip) for clip in clips]


def _some_frames(scan: Scan) -> tuple[Sequence[Packet], set[int]]:
    """The packets of a clip, and the numbers of its first and last frame and one between."""
    last = len(scan.packets) - 1
    return scan.packets, {0, random.Random(last).randrange(last), last}


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
