"""With what settings and in what environment our own Label Studio is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

HOST = "127.0.0.1"

SETTINGS: dict[str, str] = {
    # No prompt at the first start; the switch for legacy tokens is read only then.
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    # Nothing leaves the machine. Empty is not the same as unset: unset is a built-in address that gets personal data.
    "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
    "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
    "LABEL_STUDIO_SENTRY_DSN": "",
    "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
    "LABEL_STUDIO_FEATURE_FLAGS_OFFLINE": "true",
    # Some settings are read without the prefix.
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "FEATURE_FLAGS_OFFLINE": "true",
    "LOG_LEVEL": "WARNING",
    # A prediction with an unknown label or control is refused, on all three ways in; by default it is dropped silently.
    "fflag_feat_utc_210_prediction_validation_15082025": "true",
    # Other pages that are open in the browser stay out.
    "LABEL_STUDIO_CORS_ALLOW_ALL_ORIGINS": "false",
    "LABEL_STUDIO_ALLOWED_HOSTS": f"{HOST},localhost",
    "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
    # Seconds that a task which somebody opened and left is kept from the others; the default is a day.
    "LABEL_STUDIO_TASK_LOCK_TTL": "3600",
}

_KEPT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH"),
    *("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"),
)
"""Label Studio also reads plain USERNAME, PASSWORD, HOST and PORT, so that only these variables are handed on."""

START = """
import os, sys, threading, time
parent = int(sys.argv.pop(1))
def follow():
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)
if parent:
    threading.Thread(target=follow, daemon=True).start()
from label_studio.server import main
main()
"""
"""The program that is run. Its first argument is the process that it must not outlive, 0 = none."""


def environment(
    data: Path, media: Path, username: str, password: str, token: str, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """All variables that the server gets. `data`: database, key and exports; `media`: the only folder that is served."""
    return {
        **{name: inherited[name] for name in _KEPT if name in inherited},
        **SETTINGS,
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(media),
        "LABEL_STUDIO_USERNAME": username,
        "LABEL_STUDIO_PASSWORD": password,
        "LABEL_STUDIO_USER_TOKEN": token,
        "XDG_CONFIG_HOME": str(data / "config"),
        "XDG_CACHE_HOME": str(data / "cache"),
        "PYTHONUNBUFFERED": "1",
    }


def arguments(port: int) -> list[str]:
    """What the program is told."""
    return ["start", "--no-browser", "--internal-host", HOST, "--port", str(port), "--enable-legacy-api-token"]
