"""Logging in as a person does: the cookie of a browser, a personal access token, a new member."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from .client import Client
from .errors import LabelStudioError

_TIMEOUT = 30.0


def personal_access_token(url: str, username: str, password: str) -> str:
    """A new personal access token of a user. One can be valid at a time, so that the one before it stops to work."""
    with _logged_in(url, username, password) as session:
        answer = session.post("api/token/")
        if answer.status_code == 409:
            for token in session.get("api/token/").json():
                session.post("api/token/blacklist/", json={"refresh": token["token"]})
            answer = session.post("api/token/")
        if answer.status_code != 201:
            raise LabelStudioError(
                f"Label Studio at {url} gives {username} no token ({answer.status_code})", answer.status_code
            )
        return str(answer.json()["token"])


def session_cookie(url: str, username: str, password: str) -> str:
    """The `sessionid` that a browser needs to be logged in."""
    with _logged_in(url, username, password) as session:
        return str(session.cookies["sessionid"])


def invitation(client: Client) -> str:
    """The address at which a new member signs up. It is a secret, and the same for everybody."""
    return client.url.rstrip("/") + str(client.connection.call("GET", "api/invite")["invite_url"])


def sign_up(invited: str, email: str, password: str) -> None:
    """Make a member, as a person does who was sent the invitation. `password`: at least 8 characters."""
    url = invited.split("/user/")[0] + "/"
    with _session(url) as session:
        answer = _submit(session, invited, {"email": email, "password": password, "allow_newsletters": ""})
    if answer != 302:
        raise LabelStudioError(f"Label Studio at {url} does not take {email} as a new member ({answer})", answer)


@contextmanager
def _logged_in(url: str, username: str, password: str) -> Iterator[httpx.Client]:
    with _session(url) as session:
        answer = _submit(session, "user/login/", {"email": username, "password": password, "persist_session": "on"})
        if answer != 302:
            raise LabelStudioError(f"Label Studio at {url} refuses the password of {username}", 401)
        yield session


@contextmanager
def _session(url: str) -> Iterator[httpx.Client]:
    """A client with cookies of its own, whose lost connections are named without them."""
    failed = ""
    with httpx.Client(base_url=url, timeout=_TIMEOUT, trust_env=False) as session:
        try:
            yield session
        except httpx.HTTPError as error:
            failed = type(error).__name__
    if failed:
        raise LabelStudioError(f"no Label Studio answers at {url} ({failed})", unreachable=True)


def _submit(session: httpx.Client, path: str, form: dict[str, str]) -> int:
    page = session.get(path)
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    fields = {**form, "csrfmiddlewaretoken": found[1] if found else ""}
    return session.post(path, data=fields, headers={"Referer": str(page.url)}).status_code
