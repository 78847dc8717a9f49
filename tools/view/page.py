"""The page of one trajectory: one HTML text with its script, its style, its pictures and its data inside.

Nothing is fetched: the page's own policy forbids it, and of scripts it runs only ours (by its hash). Texts of recordings stay
texts: they are escaped where the template writes them, and set as text where the script does.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Any

import jinja2
import orjson
from markupsafe import Markup

from annotators.label_studio.pictures.facts import plain_text

from . import arc, gui, robot
from .pictures import Limits
from .said import Json, bands_of, table_of
from .stored import Stored, moving_cameras

_LONG = 2000
"""Characters of a step's JSON that a page keeps."""


def trajectory_page(stored: Stored, limits: Limits) -> str:
    """The page of a trajectory. Raises OSError where media cannot be read."""
    panel, notes = _panel(stored, limits)
    view = stored.view
    data = {
        "id": view.trajectory_id, "count": view.num_steps, "duration": view.header["duration"], "steps": _steps(stored),
        "annotations": table_of(stored.said), "bands": bands_of(stored.said, view.num_steps), "panel": panel,
    }  # fmt: skip
    header = view.header
    return render(
        "trajectory.html.jinja",
        f"{view.trajectory_id} · Cairn",
        ("base.js", "shell.js", "timeline.js", "table.js", "drawing.js", f"{stored.domain}.js"),
        data,
        header=header,
        outcome=outcome(header),
        facts=_facts(header),
        notes=[*stored.lacking, *notes],
        sections=_sections(stored),
        runs=stored.runs,
        streams=[
            (stream, _calibration(stream, stream["name"] in moving_cameras(stored))) for stream in header["streams"] or ()
        ],
        counts=_counts(stored),
    )


def render(template: str, title: str, scripts: Sequence[str], data: Json, **values: Any) -> str:
    """A page from one of our templates: `data` is what its scripts show, `values` what the template writes."""
    folder = files(__package__) / "assets"
    script = "\n".join((folder / name).read_text(encoding="utf-8") for name in scripts)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tools.view", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    return environment.get_template(template).render(
        title=title,
        digest=digest,
        script=Markup(script),  # our own files
        style=Markup((folder / "style.css").read_text(encoding="utf-8")),
        data=Markup(_as_script(data)),  # no character of it can end the element
        plain=plain_text,
        **values,
    )


def outcome(header: Mapping[str, Any]) -> tuple[str, str]:
    """How it ended, as a word for the style (good, bad, open) and as a sentence that says who decided."""
    success, score, who = header["success"], header["score"], header["success_by"]
    by = f", says {_whom(who)}" if who else ""
    number = f" (score {score:g})" if score is not None else ""
    if success is None:
        return "open", f"outcome unknown{number}{by if number else ''}"
    return ("good", f"solved{number}{by}") if success else ("bad", f"not solved{number}{by}")


def _whom(who: str) -> str:
    if who.startswith("oracle:"):
        return f"the oracle {who.removeprefix('oracle:')}"
    return {"source": "the source", "human": "a person"}.get(who, who)


def _as_script(data: Json) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or opens a comment."""
    text = orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _panel(stored: Stored, limits: Limits) -> tuple[Json, list[str]]:
    if stored.domain == "arc":
        return arc.panel(stored), []
    return {"robot": robot.panel, "gui": gui.panel}[stored.domain](stored, limits)


def _steps(stored: Stored) -> Json:
    """What the list of steps and the box of one step show, a list per column."""
    steps = stored.view.steps
    return {
        "names": steps["action_name"].to_pylist(),
        "kinds": steps["action_kind"].to_pylist(),
        "times": steps["timestamp"].to_pylist(),
        "arguments": [_indented(text) for text in steps["action_args"].to_pylist()],
        "source": [_indented(text) for text in steps["source_action"].to_pylist()],
    }


def _indented(text: str | None) -> str | None:
    """JSON as people read it; a long one is cut, and says so."""
    if text is None:
        return None
    with suppress(ValueError):  # what is no JSON is shown as it is
        text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[:_LONG]}\n… {len(text) - _LONG} more characters are in the release"


def _facts(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The line below the title."""
    duration = header["duration"]
    found = [
        ("task", None if header["task_id"] == header["instruction"] else header["task_id"]),
        ("who", ", ".join(word for word in (header["agent"], header["agent_type"]) if word)),
        ("attempt", None if header["attempt"] is None else str(header["attempt"] + 1)),
        ("with", header["embodiment"]),
        ("where", header["scene"]),
        ("steps", str(header["num_steps"]) + (f" in {_seconds(duration)}" if duration is not None else "")),
        ("source", header["source_name"]),
        ("licence", header["license"]),
    ]
    return [(name, str(value)) for name, value in found if value]


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"


def _sections(stored: Stored) -> list[tuple[str, list[tuple[str, str]]]]:
    """Provenance and completeness: titles, and names and values below each."""
    header = stored.view.header
    names = ("source_name", "source_uri", "source_revision", "native_id", "license", "input_sha256", "started_at", "group")
    origin = [(name.replace("_", " "), str(header[name])) for name in names if header[name] is not None]
    frame = [(n.replace("_", " "), str(header[n])) for n in ("fps", "action_space", "reference_frame") if header[n] is not None]
    missing = _named(header["completeness"]) or [("", "The source reported nothing missing.")]
    kept = [(name, value) for name, value in _named(header["extras"])]
    sections = [("Where it comes from", origin), ("What is missing, and why", missing)]
    return [
        *sections,
        *([("Units and frames", frame)] if frame else []),
        *([("What else the source said", kept)] if kept else []),
    ]


def _named(value: Any) -> list[tuple[str, str]]:
    """The entries of a JSON object."""
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        return [] if found is None else [("", plain_text(value))]
    return [(str(name).replace("_", " "), _entry(entry)) for name, entry in found.items() if entry not in (None, {}, [])]


def _entry(value: Any) -> str:
    return plain_text(json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value)


def _calibration(stream: Mapping[str, Any], moves: bool) -> str:
    """What is known of a camera, in words."""
    extrinsics = "extrinsics of each step" if moves else "extrinsics" if stream["extrinsics"] else None
    return ", ".join(word for word in ("intrinsics" if stream["intrinsics"] else None, extrinsics) if word)


def _counts(stored: Stored) -> str:
    """A sentence about the rows: how many are current, how many people looked at, how many states there were."""
    total = len(stored.said)
    if not total:
        return "Nothing was said about this trajectory."
    seen = sum(entry.row["quality"] == "primary" for entry in stored.said)
    states = ", ".join(f"{n} {status}" for status, n in sorted(stored.history.items()))
    past = f" The history holds {states}." if stored.history else ""
    return f"{total} current annotations; {seen} of them a person or an oracle confirmed.{past}"
