"""A task of every review view as people meet it: pictures, texts and proposals of ordinary length."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw

from annotators.label_studio.config.controls import marker_words, timeline_control
from annotators.label_studio.project import Project, Surface
from annotators.label_studio.views import VIEWS
from schemas.layers import layers

Result = dict[str, Any]
SIZE = {"original_width": 960, "original_height": 600, "image_rotation": 0}


def project_of(view: str, *names: str, blind: bool = False) -> Project:
    """A project of a view with these layers, or with all that it can hold at once."""
    every = tuple(n for n, d in layers().items() if d.review and d.review.view == view and d.kind != "choices")
    return Project(f"all of {view}", view, names or every, blind)


@dataclass(frozen=True, slots=True)
class Scene:
    """A task: its project, its surface, its data (media without their folder) and the proposals as results.

    `texts`: proposed texts that must be readable without a click. `files`: name → bytes of the media.
    """

    project: Project
    surface: Surface
    data: dict[str, Any]
    results: list[Result]
    texts: tuple[str, ...]
    files: dict[str, bytes]


def new_id(name: str) -> str:
    """The id of a row."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def result(kind: str, name: str, value: dict[str, Any], region: str, **more: Any) -> Result:
    """One result in the shape that the editor saves."""
    shown = {"id": new_id(region), "from_name": name, "to_name": more.pop("to_name", "media"), "type": kind, "value": value}
    return shown | {"origin": "prediction"} | more


def numbered(texts: tuple[str, ...]) -> str:
    """Proposed texts as the numbered list that stands beside the media."""
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))


@lru_cache(64)
def picture(seed: int, size: tuple[int, int] = (960, 600)) -> Image.Image:
    """Something with shapes on it and its number."""
    random = np.random.default_rng(seed)
    drawn = Image.new("RGB", size, (238, 238, 232))
    pen = ImageDraw.Draw(drawn)
    for _ in range(14):
        x, y = int(random.integers(0, size[0] - 60)), int(random.integers(0, size[1] - 60))
        colour = tuple(int(c) for c in random.integers(40, 230, 3))
        pen.rectangle((x, y, x + int(random.integers(20, 160)), y + int(random.integers(20, 110))), fill=colour)
    pen.text((12, 8), f"picture {seed}", fill=(0, 0, 0), font_size=28)
    return drawn


def png(drawn: Image.Image) -> bytes:
    """As a file."""
    held = BytesIO()
    drawn.save(held, "PNG")
    return held.getvalue()


def grid_picture(step: int) -> Image.Image:
    """A grid as the ARC views draw it."""
    colours = np.array([[0, 0, 0], [30, 147, 255], [249, 60, 49], [79, 204, 48], [255, 220, 0]], np.uint8)
    cells = np.random.default_rng(step).integers(0, 5, (10, 10))
    drawn = Image.fromarray(colours[cells]).resize((440, 440), Image.Resampling.NEAREST)
    canvas = Image.new("RGB", (960, 600), (255, 255, 255))
    canvas.paste(drawn, (20, 60))
    canvas.paste(drawn, (490, 60))
    ImageDraw.Draw(canvas).text((20, 10), f"step {step}: before and after", fill=(0, 0, 0), font_size=28)
    return canvas


def video(frames: int, fps: int, draw: Callable[[int], Image.Image]) -> bytes:
    """A frame-exact H.264 file."""
    with TemporaryDirectory() as folder:
        made = Path(folder) / "made.mp4"
        with av.open(made, "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=fps, options={"g": "15", "bf": "0", "preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = 640, 400, "yuv420p"
            for number in range(frames):
                drawn = draw(number).resize((640, 400))
                frame: Any = av.VideoFrame
                container.mux(stream.encode(frame.from_image(drawn)))
            container.mux(stream.encode())
        return made.read_bytes()


def _timeline(
    view: str, frames: int, fps: int, draw: Callable[[int], Image.Image], results: list[Result], **more: Any
) -> Scene:
    texts = tuple(more.get("texts", ()))
    return Scene(
        project_of(view),
        Surface(tuple(range(frames)), tuple(range(frames)), frames, 640, 400, "front", float(fps)),
        {"media": f"{view}.mp4", "fps": fps, "title": more["title"], "proposed": numbered(texts), "uid": view},
        results,
        texts,
        {f"{view}.mp4": video(frames, fps, draw)},
    )


def _list(view: str, count: int, draw: Callable[[int], Image.Image], results: list[Result], **more: Any) -> Scene:
    texts = tuple(more.get("texts", ()))
    files = {f"{view}_{number}.png": png(draw(number)) for number in range(count)}
    return Scene(
        more.get("project") or project_of(view),
        Surface(tuple(range(count)), tuple(range(count)), count, 960, 600, "screen"),
        {"images": list(files), "title": more["title"], "proposed": numbered(texts), "uid": view} | more.get("data", {}),
        results,
        texts,
        files,
    )


SUBTASKS = (
    "move the gripper above the red cup on the left of the table", "close the gripper around the rim of the red cup",
    "lift the cup clear of the tray without tilting it", "carry the cup over to the coaster beside the kettle",
    "set the cup down on the coaster and let go", "draw the arm back to where it started",
    "turn towards the drawer below the worktop", "take hold of the handle of the upper drawer",
    "pull the drawer open until it stops", "reach in and pick up the small blue spoon",
    "put the spoon into the cup, handle up", "push the drawer shut with the side of the hand",
)  # fmt: skip
SKILLS = (
    "transfer", "pick", "transfer", "transfer", "place", "transfer", "transfer", "pick", "pull", "pick", "insert", "push",
)  # fmt: skip


def robot_language() -> Scene:
    """Twelve clips, as many as one task holds."""
    results, control = [], timeline_control(project_of("robot_language"))
    for n, (skill, text) in enumerate(zip(SKILLS, SUBTASKS, strict=True)):
        ranges = [{"start": n * 25 + 1, "end": n * 25 + 25}]
        results.append(result("timelinelabels", control, {"ranges": ranges, "timelinelabels": [skill]}, f"clip{n}"))
        results.append(result("textarea", "subtask_text", {"ranges": ranges, "text": [text]}, f"clip{n}"))
    title = "put the red cup on the coaster, then get a spoon from the upper drawer and put it into the cup"
    return _timeline("robot_language", 300, 10, lambda n: picture(n // 25), results, texts=SUBTASKS, title=title)


def robot_contact() -> Scene:
    """One second either side of a contact."""
    value = {"ranges": [{"start": 31, "end": 31}], "timelinelabels": ["contact"]}
    results = [result("timelinelabels", "contact", value, "contact")]
    texts = ("contact at 4.10 s",)
    return _timeline("robot_contact", 60, 30, picture, results, texts=texts, title="lift the cube")


def robot_tracks() -> Scene:
    """Three tracks with sparse key frames."""
    results = []
    for n, word in enumerate(("gripper", "object", "container")):
        sequence = [
            {"frame": f, "enabled": f < 121, "rotation": 0, "x": 10 + 25 * n + f / 20, "y": 20, "width": 14, "height": 20,
             "time": f / 30} for f in (1, 61, 121)
        ]  # fmt: skip
        value = {"framesCount": 150, "duration": 5, "labels": [word], "sequence": sequence}
        results.append(result("videorectangle", "track", value, word))
    texts = ("gripper", "object: the red cup", "container: the coaster")
    return _timeline(
        "robot_tracks", 150, 30, lambda n: picture(1), results, texts=texts, title="put the red cup on the coaster"
    )


def box(kind: str, name: str, word: str, item: int, place: tuple[float, float, float, float], region: str) -> Result:
    """A rectangle on a picture, percent."""
    value = dict(zip(("x", "y", "width", "height"), place, strict=True)) | {"rotation": 0, kind: [word]}
    return result(kind, name, value, region, item_index=item, **SIZE)


def robot_key_frames() -> Scene:
    """A contact and a placement with their marks, and the path of the gripper."""
    outline = {"points": [[50, 40], [62, 42], [60, 60], [49, 58]], "closed": True, "polygonlabels": ["outline"]}
    vertices = [
        {"id": f"s{n}", "x": 20 + 5 * n, "y": 70 - 4 * n, "prevPointId": f"s{n - 1}" if n else None, "isBezier": False}
        for n in range(8)
    ]
    path = {"vertices": vertices, "closed": False, "vectorlabels": ["gripper_path"]}
    results = [
        *(result("keypointlabels", "contact_points", {"x": x, "y": 50, "width": 0.8, "keypointlabels": ["finger"]}, f"p{x}",
                 item_index=0, **SIZE) for x in (48, 63)),
        box("rectanglelabels", "affordance_box", "grasp", 0, (45, 38, 20, 24), "affordance"),
        result("polygonlabels", "object_outline", outline, "outline", item_index=0, **SIZE),
        result("vectorlabels", "trace", path, "trace", item_index=0, **SIZE),
        box("rectanglelabels", "placement_proposal", "placement", 1, (70, 20, 16, 30), "placement"),
    ]  # fmt: skip
    texts = ("frame 123: grasp box, two fingers, outline", "frame 123: path over 8 steps", "frame 200: placement")
    return _list("robot_key_frames", 4, picture, results, texts=texts, title="put the red cup on the coaster")


SUB_GOALS = (
    ("explore", "look at the demonstrations and try a colour"), ("build", "copy the input to the output grid"),
    ("build", "fill the inside of each closed shape"), ("repair", "take back the fill that ran out"),
    ("finish", "compare with the demonstrations and submit"),
)  # fmt: skip


def arc_story() -> Scene:
    """Sub-goals that tile the trace, a detour, the rule and the strategy."""
    results, control = [], timeline_control(project_of("arc_story"))
    for n, (word, text) in enumerate(SUB_GOALS):
        ranges = [{"start": n * 8 + 1, "end": n * 8 + 8}]
        results.append(result("timelinelabels", control, {"ranges": ranges, "timelinelabels": [word]}, f"goal{n}"))
        results.append(result("textarea", "sub_goal_text", {"ranges": ranges, "text": [text]}, f"goal{n}"))
    value = {"ranges": [{"start": 18, "end": 26}], "timelinelabels": ["undone"]}
    rule = (
        "Every shape that is closed is filled with the colour of the single cell outside of it; open shapes stay as they are."
    )
    results += [
        result("timelinelabels", control, value, "detour"),
        result("textarea", "rule", {"text": [rule]}, "rule"),
        result("choices", "strategy", {"choices": ["copy-edit"]}, "strategy"),
    ]
    texts = (*(text for _, text in SUB_GOALS), rule)
    return _timeline("arc_story", 40, 2, grid_picture, results, texts=texts, title="ARC task 00d62c1b, second test input")


def arc_steps() -> Scene:
    """An intent per step and the cells that made the person act."""
    intents = ("pick the fill colour", "fill the left shape", "it ran out: undo", "close the gap first", "fill again", "submit")
    results = [result("textarea", "intent", {"text": [text]}, f"intent{n}", item_index=n) for n, text in enumerate(intents)] + [
        box("rectanglelabels", "marked", "reason", n, (10, 20, 9, 15), f"cells{n}") for n in range(3)
    ]
    texts = tuple(f"step {n}: {text}" for n, text in enumerate(intents))
    data = {"grid": [20, 60, 44, 10, 10]}
    return _list("arc_steps", 6, grid_picture, results, texts=texts, title="ARC task 00d62c1b, second test input", data=data)


ACTIVITIES = (
    ("navigate", "open the settings of the shop"), ("search", "find the page with the shipping rates"),
    ("enter", "set the rate for parcels to 4.90"), ("recover", "close the dialog that was opened by mistake"),
    ("enter", "save the new rate"), ("check", "see that the new rate is shown in the table"),
)  # fmt: skip


def gui_story() -> Scene:
    """Spans with their purpose, and two steps that stand out."""
    results, control = [], timeline_control(project_of("gui_story"))
    for n, (word, text) in enumerate(ACTIVITIES):
        ranges = [{"start": n * 6 + 1, "end": n * 6 + 6}]
        results.append(result("timelinelabels", control, {"ranges": ranges, "timelinelabels": [word]}, f"activity{n}"))
        results.append(result("textarea", "activity_text", {"ranges": ranges, "text": [text]}, f"activity{n}"))
    for word, frame in (("milestone", 18), ("mistake", 20)):
        value = {"ranges": [{"start": frame, "end": frame}], "timelinelabels": [word]}
        results.append(result("timelinelabels", control, value, word))
    texts = tuple(text for _, text in ACTIVITIES)
    return _timeline(
        "gui_story", 36, 2, picture, results, texts=texts, title="Set the shipping rate for parcels to 4.90 and save it"
    )


def gui_steps() -> Scene:
    """Targets, points, captions, verdicts, two checks on one step, and links between steps."""
    results = []
    captions = ("open the menu Settings", "open Shipping", "click into the rate of parcels", "type 4.90", "press Save")
    for n, text in enumerate(captions):
        point = {"x": 30 + 6 * n, "y": 36, "width": 0.8, "keypointlabels": ["type" if n == 3 else "click"]}
        results += [
            box("rectanglelabels", "marker", f"step {n}", n, (0, 0, 1.5, 2), f"marker{n}") | {"id": f"marker.{n}"},
            box("rectanglelabels", "target", "textbox" if n == 3 else "button", n, (26 + 6 * n, 30, 12, 9), f"target{n}"),
            result("keypointlabels", "action_point", point, f"point{n}", item_index=n, **SIZE),
            result("textarea", "caption", {"text": [text]}, f"caption{n}", item_index=n),
            result("choices", "step_verdict", {"choices": ["needed"]}, f"verdict{n}", item_index=n),
        ]
    for n, (word, key, value) in enumerate((("value", "#rate-parcels", "4.90"), ("state", "dialog", "closed"))):
        drawn = box("rectanglelabels", "key_node", word, 3, (96, 4 + 8 * n, 3, 5), f"check{n}")
        geometry = {k: v for k, v in drawn["value"].items() if k != "rectanglelabels"}
        results.append(drawn)
        for part, text in (("key", key), ("value", value)):
            filled = drawn | {"from_name": f"key_node_{part}", "type": "textarea", "value": geometry | {"text": [text]}}
            results.append(filled)
    results.append(
        {"from_id": "marker.2", "to_id": "marker.3", "type": "relation", "direction": "right", "labels": ["enables"]}
    )
    texts = (*(f"step {n}: {text}" for n, text in enumerate(captions)), "check, step 3: value #rate-parcels = 4.90")
    title, data = "Set the shipping rate for parcels to 4.90 and save it", {"markers": marker_words(range(5))}
    return _list("gui_steps", 5, picture, results, texts=texts, title=title, data=data)


def verdict() -> Scene:
    """One rendered picture per row."""
    texts = ("frame 12: mask of the red cup", "frame 80: mask of the red cup", "frame 123: pose of the gripper")
    results = [result("choices", "verdict", {"choices": ["right"]}, "row0", item_index=0)]
    return _list("verdict", 3, picture, results, texts=texts, title="put the red cup on the coaster")


def ranking() -> Scene:
    """Candidates for one step, in order."""
    texts = ("click Save", "press Enter", "close the window", "scroll down to the table")
    candidates = [{"id": str(n), "title": text, "body": ""} for n, text in enumerate(texts)]
    results = [result("ranker", "preference", {"ranker": {"preference": ["0", "1", "2", "3"]}}, "row", to_name="candidates")]
    project = project_of("verdict", "preference")
    data = {"candidates": candidates, "uid": "ranking"}
    return _list("verdict", 1, picture, results, texts=texts, title="Save the new rate", data=data, project=project)


SCENES: dict[str, Callable[[], Scene]] = {
    made.__name__: cache(made)
    for made in (robot_language, robot_contact, robot_tracks, robot_key_frames, arc_story, arc_steps, gui_story, gui_steps,
                 verdict, ranking)
}  # fmt: skip
assert set(SCENES) - {"ranking"} == set(VIEWS)
