"""Accounts and repositories as a whole."""

from __future__ import annotations

import yaml

from .accounts import refuse_writer
from .errors import HubError
from .messages import Reply, Request


def whoami(request: Request) -> Reply:
    if request.account is None:
        raise HubError(401, None, "Invalid username or password.")
    orgs = [{"name": org, "type": "org"} for org in request.account.orgs]
    role = "write" if request.account.may_write else "read"
    token = {"type": "access_token", "accessToken": {"displayName": "t", "role": role}}
    return Reply(json={"type": "user", "name": request.account.name, "orgs": orgs, "auth": token})


def create(request: Request) -> Reply:
    stated = request.json()
    if request.account is None:
        raise HubError(401, None, "Invalid username or password.")
    kind, namespace = stated.get("type") or "model", stated.get("organization") or request.account.name
    refuse_writer(request.account, namespace)
    repo_id = f"{namespace}/{stated['name']}"
    url = f"{request.hub.endpoint}/{'' if kind == 'model' else f'{kind}s/'}{repo_id}"
    private = stated.get("visibility") == "private" or bool(stated.get("private"))
    if request.hub.repositories.create(kind, repo_id, private) is None:
        return Reply(409, {"error": "You already created this dataset repo", "url": url})
    return Reply(json={"url": url, "name": repo_id, "id": repo_id})


def validate_yaml(request: Request) -> Reply:
    """What the Hub checks of a card, in small: its YAML is a mapping."""
    text = request.json()["content"]
    try:
        header = yaml.safe_load(text.split("---\n")[1]) if text.startswith("---\n") else {}
    except (IndexError, yaml.YAMLError) as error:
        return Reply(400, {"errors": [{"message": f"Invalid YAML: {error}"}], "warnings": []})
    if not isinstance(header, dict):
        return Reply(400, {"errors": [{"message": "the metadata is no mapping"}], "warnings": []})
    return Reply(json={"errors": [], "warnings": []})
