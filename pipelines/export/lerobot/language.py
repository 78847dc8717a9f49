"""The statements of a release about one episode as LeRobot's language rows, and what of them those cannot say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from pipelines.export.released import Released
from pipelines.export.report import Report
from pipelines.formats.lerobot.features import PERSISTENT
from pipelines.formats.lerobot.language import LAYER_OF_STYLE, STYLES

_CONFIRMED = ("accepted", "corrected")


def has_language(released: Released, headers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether anything is said of any of the trajectories that a language column holds."""
    ids = {header["trajectory_id"] for header in headers}
    said = any((header["extras"] or {}).get(PERSISTENT) for header in headers)
    return said or any(ids & released.counts(f"segments/{layer}").keys() for layer in LAYER_OF_STYLE.values())


def persistent_rows(
    released: Released,
    header: Mapping[str, Any],
    times: npt.NDArray[np.float32],
    proposals: bool,
    report: Report,
) -> list[dict[str, Any]]:
    """`language_persistent` of one trajectory, in order of time: statements of its layers, and what its source said in styles
    that have none. `times`: the timestamp of each row.
    """
    kept = (header["extras"] or {}).get(PERSISTENT) or []
    rows = [dict(row) for row in kept if row.get("style") not in LAYER_OF_STYLE]
    for style, layer in LAYER_OF_STYLE.items():
        table = released.rows(f"segments/{layer}", header["trajectory_id"])
        found = [] if table is None else table.to_pylist()
        wanted = [row for row in found if proposals or row["status"] in _CONFIRMED]
        why = "nobody confirmed them and LeRobot cannot say so; --proposals takes them"
        report.lose(f"proposals of {layer}", len(found) - len(wanted), why)
        for row in wanted:
            if not row["text"] or row["start"] is None or row["start"] >= len(times):
                report.lose(f"rows of {layer} without text or steps", 1, "a statement of LeRobot is text from a time on")
                continue
            attributes = orjson.loads(row["attributes"]) if row["attributes"] else {}
            said = {"role": attributes.get("role", "assistant"), "content": row["text"], "style": style}
            said |= {"tool_calls": attributes["tool_calls"]} if attributes.get("tool_calls") else {}
            rows.append(said | {"timestamp": float(times[row["start"]])})
        ends = {row["end"] for row in wanted} - {row["start"] for row in wanted} - {header["num_steps"]}
        report.lose(f"ends of {layer}", len(ends), "a statement of LeRobot holds until the next of its style")
        report.lose(f"provenance of {layer}", len(wanted), "LeRobot has no place for who said it and who confirmed it")
    order = {style: number for number, style in enumerate(STYLES)}
    return sorted(rows, key=lambda row: (float(row["timestamp"]), order.get(str(row.get("style")), len(order))))
