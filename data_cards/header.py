"""The YAML at the head of a card. It names every column of every config, so a parser in Python takes longer than all else."""

from __future__ import annotations

from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""That of libyaml where PyYAML was built with it, as all its wheels are."""


def read_header(text: str) -> Any:
    """What the YAML between a card's `---` says. Raises yaml.YAMLError."""
    return yaml.load(text, _LOADER)
