"""The terminal: where words go, how an error ends a command, and a recipe's session with its progress bar."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from annotators.label_studio.errors import LabelStudioError
from annotators.label_studio.ledger.record import LedgerError
from pipelines.errors import CairnError, ConfigurationError
from pipelines.recipe import Recipe, ReviewServer, load_recipe

from .label_studio_home import Home
from .label_studio_server import running
from .progress import JobProgress

if TYPE_CHECKING:
    from pipelines.review.session import ReviewSession
    from pipelines.session import Session

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="The YAML file that describes the dataset.")]


@contextmanager
def reporting() -> Iterator[None]:
    """Errors of ours are a sentence and an exit code, not a traceback."""
    try:
        yield
    except CairnError as error:
        err.print(f"[bold red]cairn:[/] {escape(str(error))}")
        raise typer.Exit(error.exit_code) from error
    except (LabelStudioError, LedgerError) as error:  # what was under way is in the ledger: the same command goes on
        err.print(f"[bold red]cairn:[/] {escape(str(error))}")
        raise typer.Exit(1) from None
    except (OSError, ImportError) as error:  # a disk that is full, a folder that may not be read, a file system not installed
        err.print(f"[bold red]cairn:[/] {escape(f'{type(error).__name__}: {error}')}")
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        err.print("cairn: stopped; what is finished is kept, run the same command to go on")
        raise typer.Exit(130) from None


@contextmanager
def session_of(path: Path, beam: list[str] | None = None) -> Iterator[Session]:
    """A recipe's session, its workspace locked, its progress shown."""
    from pipelines.session import Session

    recipe: Recipe = load_recipe(path)
    with JobProgress(err) as progress:
        session = Session(recipe, tuple(beam or ()), progress.watch)
        with session.locked():
            yield session


def shown(uri: str) -> str:
    """A place as it is typed from here."""
    return os.path.relpath(uri) if "://" not in uri else uri


def say(line: str) -> None:
    """Print a line as it is: no markup, no highlighting."""
    out.print(line, markup=False, highlight=False)


@contextmanager
def review_session(path: Path, home: Path | None) -> Iterator[ReviewSession]:
    """The review of a recipe, its workspace locked. `home`: of the local Label Studio; None = no server is needed.

    The server is the recipe's, else the one that the environment names, else the local one. Raises ConfigurationError.
    """
    from pipelines.review.session import ReviewSession

    with session_of(path) as session:
        if session.recipe.review is None:
            raise ConfigurationError(f"{path} has no `review:`, so nobody is asked anything; see examples/quickstart.yaml")
        if home is None:
            yield ReviewSession(session.recipe, session.store)
            return
        url, token, media = _label_studio(session.recipe.review.server, home)
        from annotators.label_studio.client import Client

        with Client(url, token) as client, Console(stderr=True).status("talking to Label Studio") as line:
            yield ReviewSession(session.recipe, session.store, client, media, line.update)


def _label_studio(named: ReviewServer | None, home: Path) -> tuple[str, str, Path]:
    """URL, token and media folder of the Label Studio to use."""
    if named is not None:
        token = os.environ.get(named.token_env)
        if not token:
            raise ConfigurationError(f"the recipe names {named.url}: put its token into the environment as {named.token_env}")
        return named.url, token, Path(named.media)
    url, token = os.environ.get("LABEL_STUDIO_URL"), os.environ.get("LABEL_STUDIO_API_KEY")
    if url:
        media = os.environ.get("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT")
        if not token or not media:
            raise ConfigurationError(
                f"LABEL_STUDIO_URL names {url}: LABEL_STUDIO_API_KEY (its token) and LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT "
                "(the folder that it serves) must be set too"
            )
        return url, token, Path(media)
    local = running(Home(home))
    if local is None:
        raise ConfigurationError("no Label Studio runs here: start one with `cairn review up`, or name one in the recipe")
    return local.url, local.token, local.media_root
