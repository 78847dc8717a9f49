"""What a card says, as plain values: counted elsewhere, rendered by `data_cards.render`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column of a config: its name, its type as declared, and what it holds."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """One config of the release: `glob` of its folder, what its rows are, and rows per split.

    `bytes`: of its files. `memory`: split → bytes of its pages before compression. `features`: the features in the metadata
    of its files, None where they are not known. `group`: facts, views, kinds or layers.
    """

    name: str
    glob: str
    doc: str
    rows: Mapping[str, int]
    files: int
    bytes: int
    memory: Mapping[str, int] = field(default_factory=dict)
    features: Mapping[str, Any] | None = None
    columns: Sequence[ColumnFacts] = ()
    group: str = "facts"


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """The trajectories of one domain.

    `shortest`, `median`, `longest`: steps. `seconds`: of the `timed` trajectories whose duration is known. `agents`: by
    type. `devices`: robots or systems, by trajectories. `outcomes`: success, failure, unknown. `splits`: split →
    (trajectories, steps).
    """

    name: str
    trajectories: int
    steps: int
    shortest: int
    median: float
    longest: int
    seconds: float
    timed: int
    tasks: int
    agents: Mapping[str, int]
    devices: Mapping[str, int]
    outcomes: Mapping[str, int]
    splits: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class FateFacts:
    """What became of the proposals of one producer in one layer, counted from all states of its rows."""

    producer: str
    version: str
    type: str
    proposals: int
    accepted: int = 0
    corrected: int = 0
    rejected: int = 0

    @property
    def reviewed(self) -> int:
        """Proposals that people decided about."""
        return self.accepted + self.corrected + self.rejected

    @property
    def made_by(self) -> str:
        """Producer and version."""
        return f"{self.producer} {self.version}".rstrip()


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One layer: what it means, how many rows about how many trajectories, who made them, how many are confirmed.

    `primary`: rows that a person or an oracle confirmed. `by_people`: rows that a person confirmed or made. `of`:
    trajectories of its domain. `confirmed`: trajectories with a row that is `primary`. `rejected`: rows that people took
    out; `added`: rows that people made where nothing was proposed. `fates`: by producer.
    """

    name: str
    kind: str
    doc: str
    rows: int
    trajectories: int
    producers: Sequence[str]
    primary: int
    by_people: int = 0
    domain: str = ""
    of: int = 0
    confirmed: int = 0
    rejected: int = 0
    added: int = 0
    fates: Sequence[FateFacts] = ()


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """How people agreed about one layer: the measure, its mean over `n` rows, steps or boundaries of `items` items."""

    layer: str
    against: str
    producer: str
    measure: str
    value: float
    n: int
    items: int
    agreed: float
    threshold: float


@dataclass(frozen=True, slots=True)
class AcceptanceFacts:
    """One batch in one round: `right` of `checked` sampled items, the 95 % interval of that share, and what followed."""

    batch: str
    round: int
    items: int
    right: int
    checked: int
    low: float
    high: float
    decision: str


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """One review project: its layers, its items by state, how it was run, in sentences, and what was measured."""

    name: str
    layers: Sequence[str]
    states: Mapping[str, int]
    sentences: Sequence[str] = ()
    agreement: Sequence[AgreementFacts] = ()
    acceptance: Sequence[AcceptanceFacts] = ()


@dataclass(frozen=True, slots=True)
class PeopleFacts:
    """The work of people behind the annotations: annotators, submissions, and seconds where they were measured."""

    annotators: int = 0
    submissions: int = 0
    measured: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source: licence, trajectories taken, and recordings refused, by code.

    `address`: where the public finds it, None for files of the makers' own. `revision`, `citation`: as the recipe says.
    """

    name: str
    reader: str
    license: str
    trajectories: int
    rejects: Mapping[str, int]
    address: str | None = None
    revision: str | None = None
    citation: str | None = None

    @property
    def refused(self) -> int:
        """Recordings that were not taken."""
        return sum(self.rejects.values())

    @property
    def refused_share(self) -> float:
        """Refused of all recordings; 0 for none."""
        return self.refused / max(1, self.refused + self.trajectories)


@dataclass(frozen=True, slots=True)
class RejectFacts:
    """What was refused at one stage of one source for one reason; `example` is what the first of them says."""

    source: str
    stage: str
    code: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run: what made annotations, with which parameters (JSON text)."""

    run: str
    type: str
    producer: str
    version: str
    parameters: str


@dataclass(frozen=True, slots=True)
class ReadingFacts:
    """What reading one part costs: `bytes` of the column chunks that hold it, in `files` whose footers take `footers` bytes."""

    what: str
    bytes: int
    files: int
    footers: int


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A picture of the card: its file in the release, and what it shows."""

    file: str
    caption: str


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """What changed from one version to the next: rows of configs (None = not there), layers, and files by content."""

    version: str
    before: str
    rows: Mapping[str, tuple[int | None, int | None]]
    layers_added: Sequence[str]
    layers_removed: Sequence[str]
    files_kept: int
    files_new: int
    files_gone: int


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Everything that a card says. `place` is what stands in the load lines: a repository or a folder.

    `lacks`: sentence → how many. `exposed`: what may hold private data → how many. `scan`: what a scan for private data
    found, in sentences; empty = not scanned. `languages`: ISO codes of the instructions. `unpictured`: domain → why there
    is no picture of it. `reading`: what parts of it cost to read; the last is everything. `statistics`: the file that holds
    those of robots' numbers.
    """

    name: str
    license: str
    version: str
    place: str
    domains: Mapping[str, int]
    steps: int
    configs: Sequence[ConfigFacts]
    absent: Sequence[str]
    layers: Sequence[LayerFacts]
    sources: Sequence[SourceFacts]
    splits: Mapping[str, int]
    dealt_by: str
    leaks: Sequence[str] = ()
    lacking: Mapping[str, int] = field(default_factory=dict)
    review: Sequence[ReviewFacts] = ()
    details: Sequence[DomainFacts] = ()
    people: PeopleFacts = PeopleFacts()
    rejected: Sequence[RejectFacts] = ()
    runs: Sequence[RunFacts] = ()
    lacks: Mapping[str, int] = field(default_factory=dict)
    exposed: Mapping[str, int] = field(default_factory=dict)
    scan: Sequence[str] = ()
    languages: Sequence[str] = ()
    pictures: Mapping[str, PictureFacts] = field(default_factory=dict)
    unpictured: Mapping[str, str] = field(default_factory=dict)
    changes: Sequence[ChangeFacts] = ()
    reading: Sequence[ReadingFacts] = ()
    statistics: str | None = None

    @property
    def by_people(self) -> int:
        """Rows that people confirmed or made."""
        return sum(layer.by_people for layer in self.layers)

    @property
    def rows(self) -> int:
        """Current rows of all layers."""
        return sum(layer.rows for layer in self.layers)

    @property
    def unconfirmed(self) -> int:
        """Current rows that no person and no oracle stands for."""
        return self.rows - sum(layer.primary for layer in self.layers)

    @property
    def rejected_rows(self) -> int:
        """Rows that people took out."""
        return sum(layer.rejected for layer in self.layers)

    @property
    def producer_types(self) -> Sequence[str]:
        """Types of everything that made annotations."""
        return sorted({fate.type for layer in self.layers for fate in layer.fates})

    @property
    def trajectories(self) -> int:
        """Trajectories of all splits."""
        return sum(self.splits.values())

    def has(self, config: str) -> bool:
        """Whether there is a config of that name."""
        return any(one.name == config for one in self.configs)

    def config(self, name: str) -> ConfigFacts:
        """The config of that name. Raises StopIteration where there is none."""
        return next(one for one in self.configs if one.name == name)
