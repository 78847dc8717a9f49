"""`python -m tests.hub_double FOLDER [PORT]`: prints its endpoint and serves until it is ended."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from .server import HubDouble

if __name__ == "__main__":
    hub = HubDouble(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(hub.endpoint, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        hub.server.serve_forever()
