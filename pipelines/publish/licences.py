"""Which licence a dataset may have, given those of its sources: a small table and one rule. It is no legal advice.

Names are the Hub's. The table says what each licence asks of those who share a changed copy; see the deeds at
creativecommons.org, opendatacommons.org, cdla.dev and choosealicense.com.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """What a licence asks. `onward`: the licences that a changed copy may have (share alike); None = any."""

    attribution: bool = True
    commercial: bool = True
    changes: bool = True
    onward: frozenset[str] | None = None


_FREE = Terms(attribution=False)
_BY = Terms()
_NC = Terms(commercial=False)
_ND = Terms(changes=False)
_NC_ND = Terms(commercial=False, changes=False)


def _alike(*names: str, commercial: bool = True) -> Terms:
    return Terms(commercial=commercial, onward=frozenset(names))


LICENCES: Mapping[str, Terms] = {
    **dict.fromkeys(("cc0-1.0", "pddl", "unlicense", "wtfpl"), _FREE),
    **dict.fromkeys(("cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "odc-by", "c-uda"), _BY),
    **dict.fromkeys(("cdla-permissive-1.0", "cdla-permissive-2.0"), _BY),
    **dict.fromkeys(("mit", "apache-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "zlib", "ecl-2.0", "ms-pl"), _BY),
    "cc-by-sa-3.0": _alike("cc-by-sa-3.0", "cc-by-sa-4.0"),
    "cc-by-sa-4.0": _alike("cc-by-sa-4.0", "gpl-3.0"),
    "odbl": _alike("odbl"),
    "cdla-sharing-1.0": _alike("cdla-sharing-1.0"),
    "gpl-2.0": _alike("gpl-2.0"),
    "gpl-3.0": _alike("gpl-3.0", "agpl-3.0"),
    "agpl-3.0": _alike("agpl-3.0"),
    "lgpl-3.0": _alike("lgpl-3.0", "gpl-3.0", "agpl-3.0"),
    **dict.fromkeys(("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0"), _NC),
    "cc-by-nc-sa-2.0": _alike("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", commercial=False),
    "cc-by-nc-sa-3.0": _alike("cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", commercial=False),
    "cc-by-nc-sa-4.0": _alike("cc-by-nc-sa-4.0", commercial=False),
    "cc-by-nd-4.0": _ND,
    **dict.fromkeys(("cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"), _NC_ND),
}  # fmt: skip


def licence_faults(target: str, sources: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(code, sentence) of each source, name → licence, that does not allow a dataset under `target`."""
    terms = LICENCES.get(_plain(target))
    if terms is None:
        yield "licence_unknown", f"the licence of the dataset, {target!r}, is not in the table of licences; {_CHOOSE}"
        return
    for name, licence in sources.items():
        given = LICENCES.get(_plain(licence))
        if given is None:
            sentence = (
                f"source {name!r} has the licence {licence!r}, which is not in the table: find out what it allows; {_CHOOSE}"
            )
            yield "licence_unknown", sentence
            continue
        for why in _broken(target, terms, licence, given):
            yield "licence_not_allowed", f"source {name!r} is {licence}: {why}"


_CHOOSE = "name one of pipelines/publish/licences.py, such as cc-by-4.0"


def _broken(target: str, terms: Terms, licence: str, given: Terms) -> Iterator[str]:
    """What a source asks and the dataset's licence does not keep."""
    if not given.changes:
        yield "ND allows no changed copies, and a release is one; leave the source out, or ask its owner"
        return
    if not given.commercial and terms.commercial:
        yield f"NC forbids commercial use, and {target} allows it; give the dataset an NC licence such as cc-by-nc-4.0"
    if given.onward is not None and _plain(target) not in given.onward and _plain(target) != _plain(licence):
        allowed = " or ".join(sorted(given.onward))
        yield f"SA asks that changed copies have the licence {allowed}, not {target}; use that, or leave the source out"
    if given.attribution and not terms.attribution:
        yield f"it asks to be named, and {target} gives that up; use a licence with attribution such as cc-by-4.0"


def _plain(licence: str) -> str:
    return licence.strip().lower()
