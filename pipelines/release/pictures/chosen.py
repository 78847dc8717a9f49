"""Which trajectory stands for its domain on a card: the one that most layers, then most annotations speak about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.release.catalogue import StoredFile
from pipelines.stages.release import Release
from schemas.tables import KINDS

LONG = 1500
"""Steps above which another trajectory is preferred: its video would be decoded to the end for a picture."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A trajectory, and the stored files that hold rows of it, by table (`media`, `tasks`: those of its shard)."""

    trajectory_id: str
    domain: str
    files: Mapping[str, Sequence[StoredFile]]


def chosen_in(release: Release, domain: str, may_show: Callable[[str], bool]) -> Chosen | None:
    """The trajectory that stands for a domain; None where no source may be shown (`may_show` of the source's name).

    One of the training split where there is one, so that a card shows nothing of a test.
    """
    catalogue = release.catalogue
    shown = [h for h in catalogue.headers if h["domain"] == domain and may_show(h["source_name"])]
    train = [h for h in shown if release.dealt[h["trajectory_id"]] == "train"]
    ids = {h["trajectory_id"] for h in train or shown}
    if not ids:
        return None
    layers: dict[str, set[str | None]] = defaultdict(set)
    rows: dict[str, int] = defaultdict(int)
    for kind in KINDS:
        for file in catalogue.files.get(kind, ()):
            for (owner, layer), count in file.rows.items():
                if owner in ids:
                    layers[owner].add(layer)
                    rows[owner] += count
    long = {i: catalogue.num_steps[i] > LONG for i in ids}
    name = min(ids, key=lambda i: (long[i], -len(layers[i]), -rows[i], i))
    files = {table: found for table in catalogue.files if (found := catalogue.files_with(table, [name]))}
    shards = {file.shard for file in files["trajectories"]}
    for table in ("media", "tasks"):
        files[table] = [file for file in catalogue.files.get(table, ()) if file.shard in shards]
    return Chosen(name, domain, files)
