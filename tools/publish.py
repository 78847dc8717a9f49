"""`cairn publish`: what would change, what forbids it, and the publication itself. The work is in `pipelines.publish`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pipelines.recipe import load_recipe

from .console import RecipePath, err, out, reporting, say
from .progress import ByteProgress

if TYPE_CHECKING:
    from pipelines.publish.changelog import Renewal
    from pipelines.publish.plan import Plan
    from pipelines.publish.publish import Prepared, Receipt


def publish(
    recipe: RecipePath,
    to: Annotated[str | None, typer.Option(metavar="ORG/NAME", help="The dataset repository; else release.repo_id.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Only you and the organisation may read it.")] = False,
    revision: Annotated[str | None, typer.Option(metavar="BRANCH", help="A branch in place of main; made if missing.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print exactly what would change, and change nothing.")] = False,
    max_files: Annotated[
        int, typer.Option(help="Changed files in one commit; more are staged on a pull request, then merged at once.")
    ] = 1000,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for an answer of the Hub.")] = 120,
) -> None:
    """Publish the release on the Hugging Face Hub: one commit, a tag, checksums compared. Can be stopped and run again.

    The token is that of the environment (HF_TOKEN) or of `hf auth login`.
    """
    from pipelines.publish.hub import Hub, set_up_client
    from pipelines.publish.publish import destination, prepare
    from pipelines.publish.publish import publish as bring
    from pipelines.session import Session

    with reporting():
        loaded = load_recipe(recipe)
        place = destination(loaded, to, private, revision, max_files)
        set_up_client(timeout)
        session = Session(loaded)
        with session.locked(), ByteProgress(err) as progress:
            hub = Hub(place.repo_id)
            prepared = prepare(loaded, session.store, hub, place, progress.watch)
            if dry_run:
                _print_plan(prepared)
                if prepared.refusals:
                    raise typer.Exit(1)
                return
            receipt = bring(prepared, hub, progress.watch)
        _print_receipt(prepared, receipt)


def _print_plan(prepared: Prepared) -> None:
    """What a publication would do, file by file."""
    plan, to = prepared.plan, prepared.to
    if prepared.published:
        say(f"{to.repo_id} holds {prepared.tag} with exactly these files: nothing would change")
    elif not prepared.remote.exists:
        say(f"{to.repo_id} would be created{' (private)' if to.private else ''}")
    if prepared.renewed:
        _print_renewed(prepared.renewed, "would be")
    _list("add", [f"{file.path}  {_size(file.size)}" for file in plan.added])
    _list("change", [f"{file.path}  {_size(file.size)}" for file in plan.changed])
    _list("rename", [f"{source} → {file.path}" for file, source in plan.moved])
    _list("remove", [file.path for file in plan.removed])
    for path in plan.foreign:
        if not path.startswith("."):
            say(f"leave    {path}  (not of Cairn's)")
    if not prepared.published:
        say(_sum(plan))
        staged = plan.operations > to.max_files
        how = f"commits of up to {to.max_files} files on a pull request, merged at once" if staged else "one commit"
        say(
            f"{how} on {to.branch} of {to.repo_id}, then the tag {prepared.tag}"
            if plan.operations
            else f"the tag {prepared.tag}"
        )
    for refusal in prepared.refusals:
        out.print(f"[yellow]refused ({refusal.code}):[/] {escape(refusal.message)}")


def _print_renewed(renewed: Renewal, verb: str) -> None:
    """That the card now tells what changed since versions of which this workspace had no record."""
    for tag in renewed.unread:
        say(f"{tag} holds no card of Cairn's, so the changelog does not name it")
    if renewed.records:
        names = ", ".join(f"v{record.version}" for record in renewed.records)
        say(f"README.md {verb} rendered again: its changelog is about {names} too, as their cards and manifests on the Hub say")


def _sum(plan: Plan) -> str:
    counts = f"{len(plan.added)} added, {len(plan.changed)} changed, {len(plan.moved)} renamed, "
    return f"{counts}{len(plan.removed)} removed, {len(plan.kept)} kept; {_size(plan.bytes_sent)} to send"


def _print_receipt(prepared: Prepared, receipt: Receipt) -> None:
    repo_id = prepared.to.repo_id
    if prepared.renewed:
        _print_renewed(prepared.renewed, "was")
    if not receipt.committed:
        say(f"{repo_id} holds these very files already: no commit was made")
    else:
        say(_sum(prepared.plan).replace(" to send", " sent at most"))
    say(f"{repo_id} {receipt.tag} is commit {receipt.commit[:8]}; all checksums were compared")
    say(f'\nfrom datasets import load_dataset\nload_dataset("{repo_id}", revision="{receipt.tag}")')
    say(f"\ncheck it: cairn check {repo_id}@{receipt.tag}")


def _list(verb: str, lines: list[str]) -> None:
    for line in lines:
        say(f"{verb:8} {line}")


def _size(count: int) -> str:
    return f"{count / 1e6:,.2f} MB" if count >= 10_000 else f"{count} bytes"
