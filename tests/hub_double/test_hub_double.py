"""The double answers as the Hub does: asked by the real client, and where the client hides it, over plain HTTP."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub_double import READER, STRANGER, WRITER, Fault, HubDouble, running

REPO = "me/data"
LARGE = bytes(range(256)) * 500


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubDouble]:
    with running(tmp_path) as double:
        yield double


@pytest.fixture
def api(hub: HubDouble) -> HfApi:
    """The owner's client, and a repository with a small and a large file."""
    found = HfApi(endpoint=hub.endpoint, token=WRITER)
    found.create_repo(REPO, repo_type="dataset")
    commit(found, {"README.md": b"# card", "a/x.parquet": LARGE})
    return found


def commit(api: HfApi, files: dict[str, bytes], **options: str) -> str:
    operations = [CommitOperationAdd(path, data) for path, data in files.items()]
    return str(api.create_commit(REPO, operations, commit_message="x", repo_type="dataset", **options).oid)


def files(api: HfApi, revision: str = "main") -> set[str]:
    return set(api.list_repo_files(REPO, repo_type="dataset", revision=revision)) - {".gitattributes"}


def get(hub: HubDouble, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{hub.endpoint}/datasets/{REPO}/resolve/main/{path}", headers=headers)


def test_a_file_is_answered_with_its_names_and_a_large_one_from_elsewhere(hub: HubDouble, api: HfApi) -> None:
    small = get(hub, "README.md")
    assert (small.status_code, small.content) == (200, b"# card")
    assert small.headers["ETag"] == f'"{hashlib.sha1(b"blob 6" + bytes(1) + b"# card").hexdigest()}"'
    moved = get(hub, "a/x.parquet")
    assert moved.status_code == 302
    assert moved.headers["X-Linked-ETag"] == f'"{hashlib.sha256(LARGE).hexdigest()}"'
    assert moved.headers["X-Linked-Size"] == str(len(LARGE))
    assert moved.headers["X-Repo-Commit"] == small.headers["X-Repo-Commit"] == api.dataset_info(REPO).sha
    place = moved.headers["Location"]
    assert httpx2.URL(place).host != httpx2.URL(hub.endpoint).host
    for asked, first, end in (
        ("bytes=10-19", 10, 20),
        ("bytes=-5", len(LARGE) - 5, len(LARGE)),
        ("bytes=127990-", 127990, None),
    ):
        part = httpx2.get(place, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, LARGE[first:end])
    assert httpx2.get(place, headers={"Range": "bytes=999999-"}).status_code == 416
    assert httpx2.get(place.split("?")[0]).status_code == 403


def test_bytes_are_counted_by_file(hub: HubDouble, api: HfApi) -> None:
    hub.traffic.clear()
    fs = HfFileSystem(endpoint=hub.endpoint, token=WRITER, skip_instance_cache=True)
    with fs.open(f"datasets/{REPO}/a/x.parquet", "rb", cache_type="none") as file:
        file.seek(1000)
        assert file.read(100) == LARGE[1000:1100]
    assert hub.traffic.bytes_served(r"\.parquet$") == 100
    assert hub.traffic.bytes_served("README") == 0


def test_a_commit_is_all_or_nothing(hub: HubDouble, api: HfApi) -> None:
    head = str(api.dataset_info(REPO).sha)
    with pytest.raises(RemoteEntryNotFoundError):
        api.create_commit(
            REPO,
            [CommitOperationAdd("b.txt", b"b"), CommitOperationDelete("nothing.txt")],
            commit_message="x",
            repo_type="dataset",
        )
    assert api.dataset_info(REPO).sha == head
    commit(api, {"b.txt": b"b"}, parent_commit=head)
    with pytest.raises(HfHubHTTPError, match="412") as stale:
        commit(api, {"c.txt": b"c"}, parent_commit=head)
    assert stale.value.response.status_code == 412
    assert files(api) == {"README.md", "a/x.parquet", "b.txt"}
    assert files(api, head) == {"README.md", "a/x.parquet"}
    messages = [found.title for found in api.list_repo_commits(REPO, repo_type="dataset")]
    assert messages == ["x", "x", "initial commit"]


def test_a_commit_needs_the_contents_that_it_names(hub: HubDouble, api: HfApi) -> None:
    lines = '{"key":"header","value":{"summary":"x"}}\n{"key":"lfsFile","value":{"path":"p","algo":"sha256","oid":"%s"}}' % (
        "0" * 64
    )
    url, headers = f"{hub.endpoint}/api/datasets/{REPO}/commit/main", {"Authorization": f"Bearer {WRITER}"}
    answer = httpx2.post(url, content=lines, headers=headers)
    assert answer.status_code == 400
    assert "does not exist" in answer.headers["X-Error-Message"]


def test_tags_stay_where_they_are(hub: HubDouble, api: HfApi) -> None:
    first = str(api.dataset_info(REPO).sha)
    api.create_tag(REPO, tag="v1", repo_type="dataset")
    commit(api, {"b.txt": b"b"})
    with pytest.raises(HfHubHTTPError) as taken:
        api.create_tag(REPO, tag="v1", repo_type="dataset")
    assert taken.value.response.status_code == 409
    (tag,) = api.list_repo_refs(REPO, repo_type="dataset").tags
    assert (tag.name, tag.target_commit) == ("v1", first)
    assert files(api, "v1") == {"README.md", "a/x.parquet"}
    with pytest.raises(RevisionNotFoundError):
        api.dataset_info(REPO, revision="v2")


def test_a_pull_request_is_seen_when_it_is_merged(hub: HubDouble, api: HfApi) -> None:
    number = api.create_pull_request(REPO, "more", repo_type="dataset").num
    commit(api, {"b.txt": b"b"}, revision=f"refs/pr/{number}")
    assert files(api) == {"README.md", "a/x.parquet"}
    with pytest.raises(HfHubHTTPError, match="draft"):
        api.merge_pull_request(REPO, number, repo_type="dataset")
    api.change_discussion_status(REPO, number, "open", repo_type="dataset")
    api.merge_pull_request(REPO, number, repo_type="dataset")
    assert files(api) == {"README.md", "a/x.parquet", "b.txt"}
    assert api.get_discussion_details(REPO, number, repo_type="dataset").status == "merged"


def test_who_may_do_what(hub: HubDouble, api: HfApi) -> None:
    api.create_repo("org/secret", repo_type="dataset", private=True)
    assert HfApi(endpoint=hub.endpoint, token=READER).dataset_info("org/secret").private
    for token in (STRANGER, False):
        with pytest.raises(RepositoryNotFoundError):
            HfApi(endpoint=hub.endpoint, token=token).dataset_info("org/secret")
    for token, status in ((READER, 403), (STRANGER, 403), ("hf_nobodys", 401)):
        with pytest.raises(HfHubHTTPError) as refused:
            commit(HfApi(endpoint=hub.endpoint, token=token), {"b.txt": b"b"})
        assert refused.value.response.status_code == status
    with pytest.raises(HfHubHTTPError, match="rights"):
        HfApi(endpoint=hub.endpoint, token=STRANGER).create_repo("org/other", repo_type="dataset")
    hub.dataset(REPO).gated = True
    closed = get(hub, "README.md", Authorization=f"Bearer {STRANGER}")
    assert (closed.status_code, closed.headers["X-Error-Code"]) == (403, "GatedRepo")


def test_a_listing_comes_in_pages(hub: HubDouble, api: HfApi) -> None:
    commit(api, {f"many/{n:04d}.txt": b"" for n in range(1500)})
    assert len(files(api)) == 1502
    assert [call.sent > 0 for call in hub.traffic.calls("/tree/.*cursor=1000")] == [True]


def test_faults_come_as_often_as_they_are_planted(hub: HubDouble, api: HfApi) -> None:
    hub.faults.add(Fault("GET /api/datasets/me/data$", status=503, times=2, skip=1))
    answers = [httpx2.get(f"{hub.endpoint}/api/datasets/{REPO}").status_code for _ in range(4)]
    assert answers == [200, 503, 503, 200]
    hub.faults.add(Fault("/tag/", after=True, disconnect=True))
    with pytest.raises(httpx2.RemoteProtocolError):
        api.create_tag(REPO, tag="v1", repo_type="dataset")
    assert [tag.name for tag in api.list_repo_refs(REPO, repo_type="dataset").tags] == ["v1"]
    hub.faults.add(Fault("GET /api/datasets/me/data$", stall=1.0))
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(f"{hub.endpoint}/api/datasets/{REPO}", timeout=0.3)


def test_it_can_be_slow(hub: HubDouble, api: HfApi) -> None:
    hub.latency, hub.upload_rate = 0.05, 500_000
    began = time.monotonic()
    commit(api, {"a/y.parquet": LARGE[::-1]})
    assert time.monotonic() - began > 0.05 * 3 + len(LARGE) / 500_000
