"""The pictures of a card: a preview per domain, a histogram of lengths, the coverage of layers. Small PNG files.

Previews are drawn in the decoding child and kept in the workspace by what they were made from, so that a release that did
not change decodes nothing. A preview never shows the test split, nor a source whose licence forbids derived works.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import PIL

from data_cards.facts import CardFacts, PictureFacts
from pipelines.engine.supervise import ChildDiedError, ChildHungError
from pipelines.io.store import Store
from pipelines.release.pictures.charts import coverage_chart, lengths_chart
from pipelines.release.pictures.chosen import Chosen, chosen_in
from pipelines.release.pictures.drawn import Drawn, NothingToShowError, drawn
from pipelines.review.encode import MediaFault
from pipelines.stages.release import Release
from schemas.identity import digest

__all__ = ["ASSETS", "Pictures", "make_pictures", "may_show"]

ASSETS = "assets"
"""The folder of pictures in a release."""
KEPT = "pictures"
"""The folder of previews in a workspace: `<domain>-<digest>.png`."""
VERSION = "1"
"""Raised when the same inputs give other pictures."""

_NO_DERIVATIVES = re.compile(r"(^|[-_ ])nd([-_ .0-9]|$)|no.?deriv", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pictures:
    """File of the release → PNG bytes; what each shows, by domain, `lengths` and `coverage`; domain → why it has none."""

    files: Mapping[str, bytes]
    facts: Mapping[str, PictureFacts]
    missing: Mapping[str, str]


def may_show(license_: str) -> bool:
    """Whether a licence lets us publish a picture made from a recording: all but those that forbid derived works."""
    return _NO_DERIVATIVES.search(license_) is None


def make_pictures(release: Release, facts: CardFacts, lengths: Mapping[str, Sequence[int]]) -> Pictures:
    """All pictures of a card. `lengths`: domain → steps of each trajectory."""
    files: dict[str, bytes] = {}
    shown: dict[str, PictureFacts] = {}
    missing: dict[str, str] = {}
    licences = {source.name: source.license for source in release.recipe.sources}
    kept = set()
    for domain in facts.domains:
        found = chosen_in(release, domain, lambda source: may_show(licences[source]))
        if found is None:
            missing[domain] = "the licences of its sources allow no derived pictures"
            continue
        path = f"{KEPT}/{domain}-{_fingerprint(found)}.png"
        try:
            data, caption = _preview(release.store, path, lambda found=found: drawn(release, found))  # type: ignore[misc]
        except NothingToShowError as error:
            missing[domain] = str(error)
            continue
        except (MediaFault, ChildDiedError, ChildHungError):
            missing[domain] = f"the pictures of {found.trajectory_id} cannot be decoded; `cairn check` says more"
            continue
        kept.add(path)
        files[f"{ASSETS}/{domain}.png"] = data
        shown[domain] = PictureFacts(f"{ASSETS}/{domain}.png", caption)
    for path in set(release.store.list(KEPT)) - kept - {f"{name}.json" for name in kept}:
        release.store.delete(path)
    if lengths:
        files[f"{ASSETS}/lengths.png"] = lengths_chart(lengths)
        shown["lengths"] = PictureFacts(f"{ASSETS}/lengths.png", "Histograms of steps per trajectory, by domain.")
    if any(layer.trajectories for layer in facts.layers):
        files[f"{ASSETS}/coverage.png"] = coverage_chart([layer for layer in facts.layers if layer.trajectories])
        shown["coverage"] = PictureFacts(f"{ASSETS}/coverage.png", "Share of trajectories that each layer covers.")
    return Pictures(files, shown, missing)


def _fingerprint(found: Chosen) -> str:
    """Of all that a preview is made from: the stored files that hold rows of the trajectory, and what draws."""
    files = sorted([table, file.record.sha256] for table, of_table in found.files.items() for file in of_table)
    return digest([VERSION, PIL.__version__, found.trajectory_id, files])[:16]


def _preview(store: Store, path: str, make: Callable[[], Drawn]) -> tuple[bytes, str]:
    """The preview at a path of the workspace and its caption; drawn where it is not there."""
    caption: Any = store.read_json(f"{path}.json")
    if caption is not None and store.exists(path):
        return store.read_bytes(path), str(caption)
    made = make()
    store.put_bytes(path, made.png)
    store.put_json(f"{path}.json", made.caption)
    return made.png, made.caption
