"""The lines of the neutral format for ARC traces, as models: what a recorder writes and `arc_jsonl` reads.

`python -m pipelines.formats.arc.trace_lines` prints their JSON Schema. No further keys are allowed.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, JsonValue, StrictBool, StrictInt, TypeAdapter

Text = Annotated[str, Field(min_length=1, max_length=1000)]
Colours = list[list[StrictInt]]
"""A grid: rows of colours, all of one length, 1 to 100 rows and columns."""


class Line(BaseModel):
    """What all lines have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TrajectoryLine(Line):
    """Begins a trajectory. `id` is unique in the file; everything else may be absent.

    `agent`: a pseudonym. `started_at`: when the first step was done, with a zone. `success`, `score`: what the recorder itself
    says of the outcome. `attempt`: from 0, where the recorder counts. `colours`: 10, or 16 for games. `extras`: anything.
    """

    record: Literal["trajectory"]
    version: Literal[1]
    id: Text
    task_id: Text | None = None
    instruction: str | None = None
    agent: Text | None = None
    agent_type: Literal["human", "model", "script"] | None = None
    started_at: AwareDatetime | None = None
    success: StrictBool | None = None
    score: FiniteFloat | None = None
    attempt: Annotated[StrictInt, Field(ge=0, lt=2**31)] | None = None
    colours: Literal[10, 16] = 10
    extras: dict[str, JsonValue] | None = None


class StepLine(Line):
    """A step of the trajectory whose `id` it names.

    `action`: a word of `schemas.arc_operations`, with its arguments in `args`; null where no word fits. `source`: the action in
    the recorder's own words. `time`: seconds since the first step. `test`: which test input. `before`, `after`: what was
    seen when the action was chosen, and after it; where `before` is absent it is the `after` of the step before.
    `between`: what the action showed before `after`. `selection`: [row, column] of marked cells. `background`, `floating`
    ([row, column, colour]): the two layers after the action, of editors that have them.
    """

    record: Literal["step"]
    id: Text
    action: Text | None
    args: dict[str, JsonValue] = {}
    source: dict[str, JsonValue] | None = None
    time: FiniteFloat | None = None
    test: Annotated[StrictInt, Field(ge=0, lt=1000)] | None = None
    before: Colours | None = None
    after: Colours | None = None
    between: list[Colours] | None = None
    selection: list[tuple[StrictInt, StrictInt]] | None = None
    background: Colours | None = None
    floating: list[tuple[StrictInt, StrictInt, StrictInt]] | None = None


class TextLine(Line):
    """What somebody wrote down about a trajectory, beside its steps: `channel` is see, do, grid, or a word of the recorder."""

    record: Literal["text"]
    id: Text
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    text: Annotated[str, Field(min_length=1)]


LINE: TypeAdapter[TrajectoryLine | StepLine | TextLine] = TypeAdapter(
    Annotated[TrajectoryLine | StepLine | TextLine, Field(discriminator="record")]
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a line."""
    return LINE.json_schema()


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
