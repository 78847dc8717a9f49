"""`cairn review`: the local Label Studio, and what goes out to people and comes back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from .console import RecipePath, err, out, reporting, review_session, say, shown
from .label_studio_home import Home
from .label_studio_server import PORT, Running, down, logs, running, status, up

if TYPE_CHECKING:
    from pipelines.review.session import ReviewSession

app = typer.Typer(help="Propose, correct, cross-check, accept: the human stage in Label Studio.", no_args_is_help=True)

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="CAIRN_LABEL_STUDIO",
        help="The folder in which the local Label Studio keeps its database, media and secrets.",
        show_default="~/.local/share/cairn/label_studio",
    ),
]
Projects = Annotated[list[str] | None, typer.Option("--project", help="Only this project of the recipe; may be repeated.")]
DEFAULT_HOME = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "cairn" / "label_studio"


@app.command("up")
def start(
    home: HomeOption = DEFAULT_HOME,
    port: Annotated[int, typer.Option(help="TCP port on this machine's loopback address.")] = PORT,
) -> None:
    """Start a Label Studio on this machine, or find it running. The first start builds its database, about a minute."""
    with reporting(), err.status("starting Label Studio") as line:
        found = up(Home(home), port, lambda what, seconds: line.update(f"{what} ({seconds:.0f} s)"))
    _print_login(found, home)


@app.command("down")
def stop(home: HomeOption = DEFAULT_HOME) -> None:
    """Stop the local Label Studio. Everything people did is kept; `up` starts it again."""
    with reporting():
        say("stopped" if down(Home(home)) else "no server was running")


@app.command("logs")
def print_logs(
    home: HomeOption = DEFAULT_HOME, lines: Annotated[int, typer.Option("--lines", "-n", help="How many.")] = 50
) -> None:
    """The last lines of the server's log, without passwords and tokens."""
    with reporting():
        for line in logs(Home(home), lines):
            say(line)


@app.command("status")
def print_status(
    recipe: Annotated[Path | None, typer.Argument(metavar="[RECIPE]", help="Also the states of this recipe's items.")] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Whether the server runs, and in which state every item of the recipe is."""
    with reporting():
        say(status(Home(home)).sentence)
        if recipe is None:
            return
        with review_session(recipe, None) as session:
            table = Table("project", "round", "items by state")
            for row in session.status():
                states = ", ".join(f"{state} {count}" for state, count in row.states.items())
                table.add_row(row.project, str(row.round), states or "nothing was pushed yet")
            out.print(table)


@app.command()
def push(recipe: RecipePath, project: Projects = None, home: HomeOption = DEFAULT_HOME) -> None:
    """Show people what was proposed: make the projects, the pictures and the tasks. Pushing twice adds nothing."""
    with reporting(), review_session(recipe, home) as session:
        for report in session.push(project):
            for line in report.lines:
                say(line)
        _print_next(session, recipe, home)


@app.command()
def pull(recipe: RecipePath, project: Projects = None, home: HomeOption = DEFAULT_HOME) -> None:
    """Fetch what people saved since the last time. Nothing that was fetched is ever lost or counted twice."""
    with reporting(), review_session(recipe, home) as session:
        for report in session.pull(project):
            for line in report.lines:
                say(line)


@app.command()
def resolve(recipe: RecipePath) -> None:
    """Make rows of what people saved: accepted, corrected, rejected, added. The next release holds them."""
    with reporting(), review_session(recipe, None) as session:
        resolved = session.resolve()
        fates = ("accepted", "corrected", "rejected", "added", "empty")
        table = Table("layer", *fates)
        for layer, counts in resolved.counts.items():
            table.add_row(layer, *(str(counts.get(name, 0)) for name in fates))
        out.print(table)
        for finding in resolved.findings:
            out.print(f"[yellow]{finding.code}[/] {escape(finding.message)}")
        say(f"publish them: cairn release {shown(str(recipe))}")


@app.command()
def report(
    recipe: RecipePath,
    to: Annotated[Path | None, typer.Option(help="Folder for the page and its pictures; default: the workspace.")] = None,
) -> None:
    """What the review was worth: accepted, corrected, rejected, added, agreement and time, as a table and a page."""
    with reporting(), review_session(recipe, None) as session:
        from .review_report import print_report, write_report

        found = session.reports()
        print_report(found, out)
        folder = to or Path(session.store.local_root, "review", "report")
        say(f"page: {shown(str(write_report(found, folder)))}")


def _print_login(found: Running, home: Path) -> None:
    """Where the server is and how to get in."""
    say(f"Label Studio {'was running' if found.already else 'runs'} at {found.url}")
    say(f"log in as {found.username} with {found.password}")
    say(f"stop it: cairn review down{_home(home)}")


def _print_next(session: ReviewSession, recipe: Path, home: Path) -> None:
    """Where people work, how they get in, and the three commands that follow."""
    for name, address in session.addresses.items():
        say(f"{name}: {address}")
    local = running(Home(home))
    if local is not None and local.url.rstrip("/") == session.url.rstrip("/"):
        say(f"log in as {local.username} with {local.password}; stop it with: cairn review down{_home(home)}")
    place = shown(str(recipe))
    say("when people have submitted:")
    for command in (f"review pull {place}{_home(home)}", f"review resolve {place}", f"release {place}"):
        say(f"  cairn {command}")


def _home(home: Path) -> str:
    return "" if home == DEFAULT_HOME or "CAIRN_LABEL_STUDIO" in os.environ else f" --home {shown(str(home))}"
