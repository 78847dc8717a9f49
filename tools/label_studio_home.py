"""The folder of a Label Studio of our own, and what stands in it: the login, the process, what can be wrong with them."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import CairnError, ConfigurationError

USERNAME = "review@localhost.local"
"""Of the first user. Label Studio takes addresses only."""


class ServerError(CairnError):
    """Label Studio does not run as it should."""


class NotInstalledError(ConfigurationError):
    """Label Studio is not in this environment."""


class PortTakenError(ConfigurationError):
    """Another program listens on the port."""


class DiskFullError(ServerError):
    """There is no room for the database."""


class DiedAtStartError(ServerError):
    """The server ended before it answered."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where one server keeps everything. `folder` and all in it can be read by its owner only."""

    folder: Path

    @property
    def data(self) -> Path:
        """Database, signing key, exports."""
        return self.folder / "data"

    @property
    def media(self) -> Path:
        """The only folder that is served. A project is given one folder in it, never this one itself.

        Symbolic links in it are followed: put none there that lead out.
        """
        return self.folder / "media"

    @property
    def secrets(self) -> Path:
        """User, password and token."""
        return self.folder / "secrets.json"

    @property
    def state(self) -> Path:
        """The process, and where it listens."""
        return self.folder / "server.json"

    @property
    def log(self) -> Path:
        """What the server wrote."""
        return self.folder / "server.log"


@dataclass(frozen=True, slots=True)
class Login:
    """Of the first user, who may do everything."""

    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Process:
    """The server's process. `create_time`: seconds since 1970, by which a number that was used again is told apart."""

    pid: int
    create_time: float
    port: int
    url: str


def read_login(home: Home) -> Login:
    """Read the secrets, or make them. Raises ServerError where the file cannot be understood."""
    try:
        found = json.loads(home.secrets.read_text())
        login = Login(found["username"], found["password"], found["token"])
    except FileNotFoundError:
        login = Login(USERNAME, secrets.token_urlsafe(18), secrets.token_hex(20))
        write_private(home.secrets, asdict(login))
    except (ValueError, KeyError, TypeError) as error:
        raise ServerError(f"{home.secrets} is damaged: it must hold username, password and token") from error
    home.secrets.chmod(0o600)
    return login


def read_process(home: Home) -> Process | None:
    """The process that was started last, whether it is alive or not; None where there is none."""
    try:
        return Process(**json.loads(home.state.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # never started, or killed while it wrote this


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that only the owner can read, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
    temporary.replace(path)
