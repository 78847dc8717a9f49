"""The `cairn` command. It parses and prints; the work is in `pipelines`.

Exit codes: 0 done, 1 data violated a rule or ratio (or the run broke), 2 usage or configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.recipe import load_recipe

from .console import RecipePath, out, reporting, say, session_of, shown
from .export import export
from .publish import publish
from .review import app as review_app
from .view.command import view

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
BeamOptions = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[-- BEAM OPTIONS]",
        help="Options of Apache Beam, such as -- --direct_running_mode=multi_processing --direct_num_workers=4",
    ),
]


app.add_typer(review_app, name="review")
app.command()(publish)
app.command()(view)
app.command()(export)


@app.command()
def run(recipe: RecipePath, beam: BeamOptions = None) -> None:
    """Do everything: ingest, propose, release. What is finished already is skipped, so it can be stopped and run again."""
    with reporting(), session_of(recipe, beam) as session:
        ingested = session.ingest()
        proposed = session.propose(ingested)
        session.write_manifest([ingested, proposed])
        _report(session, session.release(ingested, proposed), [ingested, proposed])


@app.command()
def ingest(recipe: RecipePath, beam: BeamOptions = None) -> None:
    """Read all sources into the workspace."""
    with reporting(), session_of(recipe, beam) as session:
        result = session.ingest()
        session.write_manifest([result])
        _print_jobs([result])
        _print_rejects(result.rejects)


@app.command()
def propose(recipe: RecipePath, beam: BeamOptions = None) -> None:
    """Ask all annotators of the recipe about what was ingested."""
    with reporting(), session_of(recipe, beam) as session:
        from pipelines.stages.ingest import Ingest

        ingested = session.whole(Ingest(session.recipe, session.store))
        result = session.propose(ingested)
        session.write_manifest([ingested, result])
        _print_jobs([result])
        _print_rejects(result.rejects)


@app.command()
def release(recipe: RecipePath, beam: BeamOptions = None) -> None:
    """Build the release from what was ingested and proposed."""
    with reporting(), session_of(recipe, beam) as session:
        from pipelines.stages.ingest import Ingest
        from pipelines.stages.propose import Propose

        done = [session.whole(job(session.recipe, session.store)) for job in (Ingest, Propose)]
        _report(session, session.release(done[0], done[1]), done)


@app.command()
def check(
    place: Annotated[
        str, typer.Argument(metavar="FOLDER|ORG/NAME@TAG", help="The folder of a release, or one published on the Hub.")
    ],
) -> None:
    """Validate a release: checksums, card, schemas, invariants, media. Lists what is wrong and exits 1.

    Of a published one no media bytes are fetched; what was not looked at is listed.
    """
    from pipelines.publish.hub import set_up_client
    from pipelines.release.check import check_release
    from pipelines.release.check_remote import NOT_RUN, check_published, is_published

    with reporting():
        remote = is_published(place)
        if remote:
            set_up_client()
        findings = check_published(place) if remote else check_release(Path(place))
        if findings:
            table = Table("file", "code", "what is wrong")
            for finding in findings:
                table.add_row(escape(finding.file), finding.code, escape(finding.message))
            out.print(table)
        for code, what in NOT_RUN if remote else ():
            say(f"not run: {code}: {what}")
        say(f"{len(findings)} violation{'s' if len(findings) > 1 else ''}" if findings else f"{place}: no violation")
        if findings:
            raise typer.Exit(1)


@app.command()
def status(recipe: RecipePath) -> None:
    """Say what is finished, what is missing, and what was rejected. Changes nothing."""
    with reporting():
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

    with reporting():
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
    place = shown(published.folder)
    if facts.by_people:
        out.print(f"\nPeople confirmed, corrected or made {facts.by_people} of {facts.rows} annotations; each row says so.")
    elif facts.layers:
        out.print("\nNobody has reviewed the proposals yet; each row says so (status, quality).")
    out.print("\nfrom datasets import load_dataset")
    for config in facts.configs:
        first = next(iter(config.rows))
        say(f'load_dataset("{place}", "{config.name}", split="{first}")')
    say(f"\ncheck it: cairn check {place}")


def _print_next(session: Session, recipe: Path, results: list[JobResult]) -> None:
    """Whether there is a release, and what to do where something is missing."""
    from pipelines.release.place import FOLDER, MANIFEST

    there = session.store.exists(f"{FOLDER}/{MANIFEST}")
    lines = [f"release: {shown(session.store.uri(FOLDER))}" if there else "release: none yet"]
    missing = ", ".join(f"{result.job} {result.missing}" for result in results if result.missing)
    if missing:
        lines.append(f"shards not built, or of inputs that have changed: {missing}")
    if missing or not there:
        lines.append(f"build what is missing: cairn run {recipe}")
    for line in lines:
        say(line)


def _print_jobs(results: list[JobResult], third: Literal["built now", "missing"] = "built now") -> None:
    from pipelines.session import fold

    table = Table("job", "shards", third, "rows", "rejected", "lacking")
    for result in results:
        folded = fold(result)
        rows = ", ".join(f"{name} {count}" for name, count in folded["rows"].items() if name not in ("media", "arc_states"))
        lacking = ", ".join(f"{name} {count}" for name, count in folded["lacking"].items())
        count = result.built if third == "built now" else result.missing
        table.add_row(result.job, str(folded["shards"]), str(count), rows, str(len(result.rejects)), lacking)
    out.print(table)
    for result in results:
        if result.changed:
            more = f" and {len(result.changed) - 3} more" if len(result.changed) > 3 else ""
            say(f"their source has changed, and they were built anew: {', '.join(result.changed[:3])}{more}")


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
