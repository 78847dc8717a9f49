"""Contents on their way in: preupload, LFS (in one piece or in parts), Xet."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from .errors import HubError
from .messages import Reply, Request

LFS_SUFFIXES = ("parquet", "arrow", "mp4", "tar", "png", "jpg", "bin")
LFS_FROM = 10_000_000
"""A file from this size on goes to LFS, whatever its name."""


def preupload(request: Request, kind: str, repo_id: str, revision: str) -> Reply:
    """Which files go to LFS, and what the repository holds under their names."""
    tree = request.hub.repositories.writable(kind, repo_id, request.account).resolve(revision).tree
    files = []
    for file in request.json()["files"]:
        lfs = file["path"].rsplit(".", 1)[-1] in LFS_SUFFIXES or file["size"] > LFS_FROM
        item = {"path": file["path"], "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False}
        if file["path"] in tree:
            known = tree[file["path"]]
            item["oid"] = known.content if known.lfs else known.oid
        files.append(item)
    return Reply(json={"files": files})


def lfs_batch(request: Request, kind: str, repo_id: str) -> Reply:
    """Where to put each content; no place for one that is here already."""
    hub = request.hub
    hub.repositories.writable(kind, repo_id, request.account)
    asked = request.json()
    objects = []
    for item in asked["objects"]:
        answer: dict[str, Any] = {"oid": item["oid"], "size": item["size"], "authenticated": True}
        if not hub.storage.has(item["oid"]):
            href = f"{hub.endpoint}/lfs/{item['oid']}"
            verify = {"href": f"{href}/verify", "header": {}}
            upload: dict[str, Any] = {"href": href, "header": {}}
            if hub.part_size and item["size"] > hub.part_size and "multipart" in asked.get("transfers", ()):
                count = -(-item["size"] // hub.part_size)
                parts = {str(n): f"{href}/parts/{n}" for n in range(1, count + 1)}
                upload = {"href": f"{href}/complete", "header": {"chunk_size": str(hub.part_size), **parts}}
            answer["actions"] = {"upload": upload, "verify": verify}
        objects.append(answer)
    return Reply(json={"transfer": "basic", "objects": objects})


def lfs_put(request: Request, sha256: str) -> Reply:
    if hashlib.sha256(request.body).hexdigest() != sha256:
        raise HubError(400, None, "the content does not have this sha256")
    request.hub.storage.put(request.body)
    request.hub.traffic.note_stored(sha256)
    return Reply()


def lfs_part(request: Request, sha256: str, number: str) -> Reply:
    request.hub.parts.setdefault(sha256, {})[int(number)] = request.body
    return Reply(headers={"ETag": f'"{hashlib.md5(request.body).hexdigest()}"'})


def lfs_complete(request: Request, sha256: str) -> Reply:
    parts = request.hub.parts.pop(sha256, {})
    data = b"".join(parts[part["partNumber"]] for part in request.json()["parts"])
    if hashlib.sha256(data).hexdigest() != sha256:
        raise HubError(400, None, "the parts do not have this sha256")
    request.hub.storage.put(data)
    request.hub.traffic.note_stored(sha256)
    return Reply()


def lfs_verify(request: Request, sha256: str) -> Reply:
    storage = request.hub.storage
    if not storage.has(sha256) or storage.size(sha256) != request.json()["size"]:
        raise HubError(404, None, "no such content")
    return Reply()


def xet_token(request: Request, kind: str, repo_id: str, access: str, revision: str) -> Reply:
    """A short-lived right to write blocks."""
    hub = request.hub
    (hub.repositories.writable if access == "write" else hub.repositories.readable)(kind, repo_id, request.account)
    expires, place = int(time.time()) + 3600, f"{hub.endpoint}/cas"
    headers = {"X-Xet-Cas-Url": place, "X-Xet-Access-Token": "t", "X-Xet-Token-Expiration": str(expires)}
    return Reply(json={"casUrl": place, "accessToken": "t", "exp": expires}, headers=headers)


def xet_block(request: Request, name: str) -> Reply:
    request.hub.xet.put_block(name, request.body)
    request.hub.traffic.note_stored(name)
    return Reply(json={"was_inserted": True})


def xet_shard(request: Request) -> Reply:
    request.hub.xet.read_shard(request.body)
    return Reply(json={"result": 1})
