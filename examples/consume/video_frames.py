"""Decode video frames with PyAV: python examples/consume/video_frames.py [FOLDER or ORG/NAME]"""

import io
import sys

import av
from datasets import Video, load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"

videos = load_dataset(place, "videos", split="train", streaming=True)
videos = videos.cast_column("video", Video(decode=False))  # {"bytes", "path"}; without it rows need torchcodec

for row in videos:
    with av.open(io.BytesIO(row["video"]["bytes"])) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    times = row["frame_timestamps"]  # seconds of each frame, in the container's clock
    print(
        f"{row['trajectory_id']} {row['stream']} part {row['part']}: {len(frames)} frames {frames[0].shape}, "
        f"{times[0]:.2f} to {times[-1]:.2f} s, mean {frames[0].mean():.2f}"
    )

# With torchcodec installed (not run here), one frame without the others:
#     from torchcodec.decoders import VideoDecoder
#     frame = VideoDecoder(row["video"]["bytes"])[10]      # uint8 tensor, channels first
