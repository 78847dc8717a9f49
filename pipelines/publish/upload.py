"""Contents on their way to the Hub, before any commit names them: groups of files, several at once, never twice.

What arrived is known by its sha256 there, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from huggingface_hub import CommitOperationAdd

from .hub import Hub
from .local import LocalRelease, Watch
from .plan import LocalFile, groups

GROUP_BYTES = 64_000_000
GROUP_FILES = 50
WORKERS = 4


def upload(
    hub: Hub, release: LocalRelease, files: Sequence[LocalFile], revision: str, watch: Watch, workers: int = WORKERS
) -> list[CommitOperationAdd]:
    """Put contents on the Hub; returns the additions for a commit, in the order of `files`. Raises CairnError."""
    total, done = sum(file.size for file in files), 0
    made: dict[str, CommitOperationAdd] = {}
    stop = threading.Event()
    watch("upload", 0, total)
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="upload") as pool:
        parts = groups(files, GROUP_BYTES, GROUP_FILES)
        running = {pool.submit(_upload_group, hub, release, part, revision, stop): part for part in parts}
        try:
            for finished in as_completed(running):
                made |= {addition.path_in_repo: addition for addition in finished.result()}
                done += sum(file.size for file in running[finished])
                watch("upload", done, total)
        except BaseException:
            stop.set()  # what has not begun is not begun, so the error is seen at once
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [made[file.path] for file in files]


def _upload_group(
    hub: Hub, release: LocalRelease, files: Sequence[LocalFile], revision: str, stop: threading.Event
) -> list[CommitOperationAdd]:
    if stop.is_set():
        return []
    with release.at_hand([file.path for file in files]) as places:
        additions = [
            CommitOperationAdd(file.path, places[file.path].read_bytes() if file.blob_id else str(places[file.path]))
            for file in files
        ]
        for addition, file in zip(additions, files, strict=True):
            addition.upload_info.sha256 = bytes.fromhex(file.sha256)  # known already: not hashed again
        hub.patience.call(
            f"uploading {files[0].path}" + (f" and {len(files) - 1} more" if len(files) > 1 else ""),
            lambda: hub.api.preupload_lfs_files(
                hub.repo_id,
                additions,
                repo_type="dataset",
                revision=revision,
                num_threads=2,
                free_memory=not release.store.is_local,
            ),
        )
    return additions
