"""The `cairn` command. It parses and prints; the work is in `pipelines`.

Exit codes: 0 done, 1 data violated a rule or ratio (or the run broke), 2 usage or configuration.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.errors import CairnError
from pipelines.recipe import Recipe, load_recipe

from .progress import JobProgress

if TYPE_CHECKING:
    from pipelines.engine.run import JobResult
    from pipelines.release.assemble import Published
    from pipelines.session import Session
    from pipelines.shard import Reject

app = typer.Typer(
    help="Turn recordings of robots, ARC puzzles and screens into annotated, checked datasets.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="The YAML file that describes the dataset.")]
BeamOptions = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[-- BEAM OPTIONS]",
        help="Options of Apache Beam, such as -- --direct_running_mode=multi_processing --direct_num_workers=4",
    ),
]


@app.command()
def run(recipe: RecipePath, beam: BeamOptions = None) -> None:
    """Do everything: ingest, propose, release. What is finished already is skipped, so it can be stopped and run again."""
    with _reporting(), _session(recipe, beam) as session:
        ingested = session.ingest()
        proposed = session.propose(ingested)
        session.write_manifest([ingested, proposed])
        _report(session, session.release(ingested, proposed), [ingested, proposed])


@app.command()
def ingest(recipe: RecipePath, beam: BeamOptions = None) -> None:
    """Read all sources into the workspace."""
    with _reporting(), _session(recipe, beam) as session:
        result = session.ingest()
        session.write_manifest([result])
        _print_jobs([result])
        _print_rejects(result.rejects)


@app.command()
def propose(recipe: RecipePath, beam: BeamOptions = None) -> None:
    """Ask all annotators of the recipe about what was ingested."""
    with _reporting(), _session(recipe, beam) as session:
        from pipelines.stages.ingest import Ingest

        ingested = session.whole(Ingest(session.recipe, session.store))
        result = session.propose(ingested)
        session.write_manifest([ingested, result])
        _print_jobs([result])
        _print_rejects(result.rejects)


@app.command()
def release(recipe: RecipePath, beam: BeamOptions = None) -> None:
    """Build the release from what was ingested and proposed."""
    with _reporting(), _session(recipe, beam) as session:
        from pipelines.stages.ingest import Ingest
        from pipelines.stages.propose import Propose

        done = [session.whole(job(session.recipe, session.store)) for job in (Ingest, Propose)]
        _report(session, session.release(done[0], done[1]), done)


@app.command()
def check(path: Annotated[Path, typer.Argument(help="The folder of a release, ours or edited by hand.")]) -> None:
    """Validate a release folder: checksums, card, schemas, invariants, media. Lists what is wrong and exits 1."""
    from pipelines.release.check import check_release

    with _reporting():
        findings = check_release(path)
        if not findings:
            out.print(f"{path}: no violation", markup=False, highlight=False)
            return
        table = Table("file", "code", "what is wrong")
        for finding in findings:
            table.add_row(escape(finding.file), finding.code, escape(finding.message))
        out.print(table)
        out.print(f"{len(findings)} violation{'s' if len(findings) > 1 else ''}")
        raise typer.Exit(1)


@app.command()
def status(recipe: RecipePath) -> None:
    """Say what is finished, what is missing, and what was rejected. Changes nothing."""
    with _reporting():
        from pipelines.session import Session
        from pipelines.stages.ingest import Ingest
        from pipelines.stages.propose import Propose

        session = Session(load_recipe(recipe))
        results = [session.last(job(session.recipe, session.store)) for job in (Ingest, Propose)]
        _print_jobs(results, "missing")
        _print_rejects([reject for result in results for reject in result.rejects])
        _print_next(session, recipe, results)


@app.command()
def layers(
    recipe: Annotated[Path | None, typer.Argument(help="Only the layers that this recipe's annotators fill.")] = None,
) -> None:
    """List the declared layers: what they mean, their words, how people review them."""
    from schemas.layers import layers as declared

    with _reporting():
        wanted = set(declared()) if recipe is None else {n for a in load_recipe(recipe).resolved_annotators for n in a.emits}
        table = Table("layer", "domain", "kind", "words", "review", "means")
        for name, layer in declared().items():
            if name in wanted:
                words = ", ".join(sorted(layer.words)) if layer.words is not None else f"open: {layer.open_because}"
                review = layer.review.view if layer.review else f"none: {layer.unreviewed_because}"
                table.add_row(name, layer.domain, layer.kind, words, review, layer.doc)
        out.print(table)


def main() -> None:
    """Entry point of the `cairn` command."""
    app(prog_name="cairn")


@contextmanager
def _reporting() -> Iterator[None]:
    """Errors of ours are a sentence and an exit code, not a traceback."""
    try:
        yield
    except CairnError as error:
        err.print(f"[bold red]cairn:[/] {escape(str(error))}")
        raise typer.Exit(error.exit_code) from error
    except (OSError, ImportError) as error:  # a disk that is full, a folder that may not be read, a file system not installed
        err.print(f"[bold red]cairn:[/] {escape(f'{type(error).__name__}: {error}')}")
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        err.print("cairn: stopped; what is finished is kept, run the same command to go on")
        raise typer.Exit(130) from None


@contextmanager
def _session(path: Path, beam: list[str] | None) -> Iterator[Session]:
    from pipelines.session import Session

    recipe: Recipe = load_recipe(path)
    with JobProgress(err) as progress:
        session = Session(recipe, tuple(beam or ()), progress.watch)
        with session.locked():
            yield session


def _report(session: Session, published: Published, results: list[JobResult]) -> None:
    """The table of what was made, and the lines that load it."""
    _print_jobs(results)
    _print_rejects([reject for result in results for reject in result.rejects])
    facts = published.facts
    table = Table("config", "rows", "splits", "files", "MB", title=f"{facts.name} {facts.version}", title_justify="left")
    for config in facts.configs:
        splits = ", ".join(f"{split} {rows}" for split, rows in config.rows.items())
        table.add_row(config.name, str(sum(config.rows.values())), splits, str(config.files), f"{config.bytes / 1e6:.2f}")
    out.print(table)
    for leak in facts.leaks:
        out.print(f"[yellow]mind:[/] {escape(leak)}")
    place = _shown(published.folder)
    if facts.layers:
        out.print("\nNobody has reviewed the proposals yet; each row says so (status, quality).")
    out.print("\nfrom datasets import load_dataset")
    for config in facts.configs:
        first = next(iter(config.rows))
        out.print(f'load_dataset("{place}", "{config.name}", split="{first}")', markup=False, highlight=False)
    out.print(f"\ncheck it: cairn check {place}", markup=False, highlight=False)


def _print_next(session: Session, recipe: Path, results: list[JobResult]) -> None:
    """Whether there is a release, and what to do where something is missing."""
    from pipelines.release.assemble import FOLDER, MANIFEST

    there = session.store.exists(f"{FOLDER}/{MANIFEST}")
    lines = [f"release: {_shown(session.store.uri(FOLDER))}" if there else "release: none yet"]
    missing = ", ".join(f"{result.job} {result.missing}" for result in results if result.missing)
    if missing:
        lines.append(f"shards not built, or of inputs that have changed: {missing}")
    if missing or not there:
        lines.append(f"build what is missing: cairn run {recipe}")
    for line in lines:
        out.print(line, markup=False, highlight=False)


def _shown(uri: str) -> str:
    """A place as it is typed from here."""
    return os.path.relpath(uri) if "://" not in uri else uri


def _print_jobs(results: list[JobResult], third: Literal["built now", "missing"] = "built now") -> None:
    from pipelines.session import fold

    table = Table("job", "shards", third, "rows", "rejected", "lacking")
    for result in results:
        folded = fold(result)
        rows = ", ".join(f"{name} {count}" for name, count in folded["rows"].items() if name != "media")
        lacking = ", ".join(f"{name} {count}" for name, count in folded["lacking"].items())
        count = result.built if third == "built now" else result.missing
        table.add_row(result.job, str(folded["shards"]), str(count), rows, str(len(result.rejects)), lacking)
    out.print(table)


def _print_rejects(rejects: Sequence[Reject]) -> None:
    """Rejects by source and code, with the first of each as an example."""
    groups: dict[tuple[str, str], list[Reject]] = {}
    for reject in rejects:
        groups.setdefault((reject.source_name, reject.code), []).append(reject)
    if not groups:
        return
    table = Table("source", "code", "count", "the first one", title="Rejected", title_justify="left")
    for (source, code), group in sorted(groups.items()):
        table.add_row(source, code, str(len(group)), escape(f"{group[0].source_uri}: {group[0].message}"))
    out.print(table)


if __name__ == "__main__":
    main()
