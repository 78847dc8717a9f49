"""The closed vocabularies of the envelope and the step tables. A layer's own words stand in its declaration."""

from __future__ import annotations

DOMAINS = ("robot", "arc", "gui", "agent")
ACTION_KINDS = ("control", "grid_op", "gui", "tool_call", "speak", "memory", "system")
AGENT_TYPES = ("human", "model", "script")
STREAM_KINDS = ("video", "images", "depth")
LEVELS = ("trajectory", "prefix", "span", "step", "frame", "char", "candidate")
PRODUCER_TYPES = ("signal", "model", "human", "oracle", "import")
STATUSES = ("proposed", "accepted", "corrected", "rejected")
QUALITIES = ("primary", "secondary")
SHAPES = ("point", "box", "polygon", "mask", "cells")
SPLITS = ("train", "validation", "test")
