"""A faithful offline Hugging Face Hub on loopback, for tests: what is uploaded through the real client can be loaded again.

    with running(folder) as hub:                       # in this process, on threads
        HfApi(endpoint=hub.endpoint, token=WRITER).create_repo("me/data", repo_type="dataset")
        hub.faults.add(Fault(r"POST .*/commit/", status=503))
        hub.traffic.bytes_served(r"\\.parquet")          # what readers fetched

    python -m tests.hub_double FOLDER                  # or on its own: prints its endpoint, then serves
    export HF_ENDPOINT=… HF_TOKEN=hf_writer HF_HOME=$(mktemp -d)      # before Python starts

Covered: accounts and rights, repositories (also private and gated), preupload, LFS batch with basic and multipart uploads,
Xet uploads, commits with `parentCommit`, deletions, tags, branches, pull requests and merges, trees in pages, paths-info,
history, resolve with ETag, ranges and the redirect to storage, faults of each endpoint, latency, counters of calls and bytes.

Not covered: quotas and the 60 s limit of a commit (inject them), Xet downloads, moved repositories, Croissant, the viewer.
Commits and refs live in memory, contents under the folder. A client of Xet keeps a cache per address under `HF_HOME`: give each
new double a new one.
"""

from __future__ import annotations

from .accounts import READER, STRANGER, WRITER, Account
from .faults import Fault, Faults, Hold
from .server import HubDouble, running
from .traffic import Call, Traffic

__all__ = [
    "READER",
    "STRANGER",
    "WRITER",
    "Account",
    "Call",
    "Fault",
    "Faults",
    "Hold",
    "HubDouble",
    "Traffic",
    "running",
]
