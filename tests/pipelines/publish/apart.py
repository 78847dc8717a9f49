"""Publishing in a process of its own, which a test can kill. Started by a fork server, so that it starts at once."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

from huggingface_hub import HfApi, constants

from pipelines.publish.hub import Hub, set_up_client
from pipelines.publish.patience import Patience
from tests.hub_double import WRITER

from .made import REPO, bring

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.pipelines.publish.apart"])


def publish_apart(recipe: Path, endpoint: str, home: Path, xet: bool) -> None:
    """What the command does."""
    constants.HF_HUB_DISABLE_XET = not xet
    os.environ["HF_XET_CACHE"] = constants.HF_XET_CACHE = str(home)
    set_up_client(30)
    bring(recipe, Hub(REPO, HfApi(endpoint=endpoint, token=WRITER), Patience(first_wait=0.1)))
