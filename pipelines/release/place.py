"""Where a release lies in a workspace, and the file that makes it whole. Apart, because it costs nothing to import."""

from __future__ import annotations

FOLDER = "release"
MANIFEST = "MANIFEST.sha256"
CARD = "README.md"
