"""The calls to Label Studio that review needs.

Nothing that creates something is repeated here, and nothing looks before it acts unless it says so: `sync` decides that.
Ids of projects, tasks, annotations and users are Label Studio's own numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote

import orjson

from .connection import READ_AGAIN, TIMEOUT, Connection
from .errors import LabelStudioError

Json = dict[str, Any]

UIDS_PER_CALL = 500
ADDRESS = 32_000
"""Bytes. Uids travel in the address, of which Label Studio's own server takes twice this. Others take less: see there."""
TASKS_PER_EXPORT = 100
TASKS_PER_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Changed:
    """A task, when Label Studio last touched it (ISO 8601, UTC), and how many annotations and skips it counts."""

    task_id: int
    updated_at: str
    annotations: int = 0


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can log in."""

    id: int
    email: str


class Client:
    """A Label Studio, ours or another. `token`: a legacy token or a personal access token.

    All methods raise LabelStudioError. `read_again`: see `connection.READ_AGAIN`. Can be used in a `with`.
    """

    def __init__(self, url: str, token: str, timeout: float = TIMEOUT, read_again: int = READ_AGAIN) -> None:
        self.connection = Connection(url, token, timeout, read_again)
        self.url = self.connection.url
        self._call = self.connection.call

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.connection.close()

    def me(self) -> User:
        """Who the token belongs to."""
        return _user(self._call("GET", "api/current-user/whoami"))

    def users(self) -> list[User]:
        """Everybody of the organisation."""
        return [_user(found) for found in self._call("GET", "api/users/")]

    # Projects

    def project_by_title(self, title: str) -> Json | None:
        """The oldest project with exactly this title, else None."""
        params = {"title": title, "page_size": 1000, "ordering": "id"}
        found = self._call("GET", "api/projects/", params=params)["results"]
        same = [project for project in found if project["title"] == title]
        return min(same, key=lambda project: int(project["id"]), default=None)

    def projects(self) -> list[Json]:
        """All projects: `id`, `title`, `description`, `task_number`."""
        found: list[Json] = []
        params = {"include": "id,title,description,task_number", "page_size": 1000, "ordering": "id"}
        while True:
            page = self._call("GET", "api/projects/", params={**params, "page": 1 + len(found) // 1000})
            found += page["results"]
            if not page["next"]:
                return found

    def project(self, project_id: int) -> Json:
        """All settings and counts of a project."""
        return dict(self._call("GET", f"api/projects/{project_id}/"))

    def create_project(
        self,
        title: str,
        config: str,
        *,
        description: str = "",
        instruction: str = "",
        sampling: str = "Sequential sampling",
        maximum_annotations: int = 1,
        show_predictions: bool = True,
        **settings: Any,
    ) -> int:
        """Its id. `title`: 3 to 50 characters. `instruction`: HTML, shown beside the task.

        `sampling`: "Sequential sampling", "Uniform sampling" or "Uncertainty sampling" (lowest score first).
        `maximum_annotations`: how many people do each task. `show_predictions`: opening a task copies its prediction to
        the draft; never where the project is blind.
        """
        body = {
            "title": title,
            "label_config": config,
            "description": description,
            "expert_instruction": instruction,
            "show_instruction": bool(instruction),
            "sampling": sampling,
            "maximum_annotations": maximum_annotations,
            "show_collab_predictions": show_predictions,
            "skip_queue": "REQUEUE_FOR_OTHERS",
            **settings,
        }
        return int(self._call("POST", "api/projects/", body=body)["id"])

    def update_project(self, project_id: int, **settings: Any) -> None:
        """Change settings: `label_config`, `expert_instruction`, `model_version`, `sampling`, ..."""
        self._call("PATCH", f"api/projects/{project_id}/", body=settings)

    def delete_project(self, project_id: int) -> None:
        """Delete a project with all tasks and annotations."""
        self._call("DELETE", f"api/projects/{project_id}/")

    def add_media_folder(self, project_id: int, path: str) -> int:
        """Let a project show the files below a folder of the server; the id of the storage. Looks before it adds.

        `path`: absolute, strictly below the server's media root. A file `a/b.mp4` of that root has the address
        `/data/local-files/?d=a/b.mp4`.
        """
        for storage in self._call("GET", "api/storages/localfiles/", params={"project": project_id}):
            if storage["path"] == path:
                return int(storage["id"])
        body = {"project": project_id, "path": path, "use_blob_urls": True, "title": "media"}
        return int(self._call("POST", "api/storages/localfiles/", body=body)["id"])

    # Tasks

    def import_tasks(self, project_id: int, tasks: Sequence[Mapping[str, Any]]) -> list[int]:
        """Add tasks; their ids in the same order. The same task twice is two tasks.

        A task: `{"data": {...}, "meta": {...}, "predictions": [{"model_version", "score", "result"}], "annotations": [...]}`.
        All are refused (400) where one is not valid. 500 to 2,000 at a time are fastest, one call at a time.
        """
        path = f"api/projects/{project_id}/import"
        answer = self._call("POST", path, params={"return_task_ids": "true"}, body=list(tasks))
        if "task_ids" not in answer:  # the server does it later; then nobody knows which task is which
            raise LabelStudioError(f"Label Studio at {self.url} does not say which tasks it made (POST {path})", 202)
        return [int(task) for task in answer["task_ids"]]

    def find_tasks(self, project_id: int, uids: Iterable[str]) -> dict[str, int]:
        """Ids of the tasks that exist, by their `data.uid`; of several with one uid, the oldest. A call for every 500 uids."""
        return {uid: min(ids) for uid, ids in self.find_all_tasks(project_id, uids).items()}

    def find_all_tasks(self, project_id: int, uids: Iterable[str]) -> dict[str, list[int]]:
        """Ids of all tasks that carry a uid, ascending, by the uid. A call for every 500 uids, more where they are long."""
        found: dict[str, list[int]] = {}
        for some in _that_fit(uids):
            for task in self._tasks_with(project_id, some):
                found.setdefault(str(task["data"].get("uid")), []).append(int(task["id"]))
        return {uid: sorted(ids) for uid, ids in found.items()}

    def task_ids(self, project_id: int) -> list[int]:
        """Ids of all tasks, ascending."""
        return [int(task["id"]) for task in self._tasks(project_id, {"ordering": ["tasks:id"]}, "id", 10 * TASKS_PER_PAGE)]

    def changed_tasks(self, project_id: int, since: str | datetime | None = None) -> Iterator[Changed]:
        """Tasks touched at or after `since` (UTC), in that order: an annotation or prediction came, changed or went.

        Pages start at the last time seen, so that a task which is touched meanwhile is not missed; it then comes twice.
        """
        return self._touched(project_id, since, [])

    def answered_tasks(self, project_id: int, since: str | datetime, until: str | datetime) -> Iterator[Changed]:
        """Those of the tasks touched from `since` to `until` (UTC) that hold an annotation or a skip."""
        before = {"filter": "filter:tasks:updated_at", "operator": "less_or_equal", "type": "Datetime", "value": _utc(until)}
        for count in ("total_annotations", "cancelled_annotations"):
            one = {"filter": f"filter:tasks:{count}", "operator": "greater", "type": "Number", "value": 0}
            yield from self._touched(project_id, since, [before, one])

    def _touched(self, project_id: int, since: str | datetime | None, filters: list[Json]) -> Iterator[Changed]:
        seen: dict[int, str] = {}
        after = _utc(since)
        page = 1
        while True:
            query: Json = {"ordering": ["tasks:updated_at"]}
            items = list(filters)
            if after:
                items.append(
                    {"filter": "filter:tasks:updated_at", "operator": "greater_or_equal", "type": "Datetime", "value": after}
                )
            if items:
                query["filters"] = {"conjunction": "and", "items": items}
            include = "id,updated_at,total_annotations,cancelled_annotations"
            found = self._page(project_id, query, include, TASKS_PER_PAGE, page)
            for task in found:
                count = int(task["total_annotations"]) + int(task["cancelled_annotations"])
                changed = Changed(int(task["id"]), str(task["updated_at"]), count)
                if seen.get(changed.task_id) != changed.updated_at:
                    seen[changed.task_id] = changed.updated_at
                    yield changed
            if len(found) < TASKS_PER_PAGE:
                return
            last = str(found[-1]["updated_at"])
            after, page = (after, page + 1) if last == after else (last, 1)

    def tasks_after(self, project_id: int, task_id: int) -> list[Json]:
        """The next 1,000 tasks with a greater id, ascending: `id`, `data`, `total_predictions`."""
        one = {"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": task_id}
        query = {"filters": {"conjunction": "and", "items": [one]}, "ordering": ["tasks:id"]}
        return self._page(project_id, query, "id,data,total_predictions", TASKS_PER_PAGE, 1)

    def tasks_with_drafts(self, project_id: int) -> list[Json]:
        """`id` and `data` of the tasks on which somebody left a draft."""
        one = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}
        query = {"filters": {"conjunction": "and", "items": [one]}, "ordering": ["tasks:id"]}
        return list(self._tasks(project_id, query, "id,data", TASKS_PER_PAGE))

    def update_task(self, task_id: int, data: Mapping[str, Any]) -> str:
        """Replace what a task shows; when, by the server's clock (ISO 8601, UTC)."""
        return str(self._call("PATCH", f"api/tasks/{task_id}/", body={"data": dict(data)})["updated_at"])

    def delete_untouched_tasks(self, project_id: int, task_ids: Sequence[int]) -> None:
        """Delete those of the tasks that hold no annotation, skip or draft at this moment, by the server's own look."""
        items = [
            {"filter": "filter:tasks:id", "operator": "in_list", "type": "Number", "value": list(task_ids)},
            {"filter": "filter:tasks:total_annotations", "operator": "equal", "type": "Number", "value": 0},
            {"filter": "filter:tasks:cancelled_annotations", "operator": "equal", "type": "Number", "value": 0},
            {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": False},
        ]
        self._action(project_id, "delete_tasks", task_ids, filters={"conjunction": "and", "items": items})

    def delete_tasks(self, project_id: int, task_ids: Sequence[int]) -> None:
        """Delete tasks with their annotations."""
        self._action(project_id, "delete_tasks", task_ids)

    def export(self, project_id: int, task_ids: Sequence[int]) -> list[Json]:
        """The tasks that still exist, as JSON export gives them: `annotations` (skipped ones too), `drafts`, ids of `predictions`.

        A call for every 100 tasks.
        """
        found: list[Json] = []
        for start in range(0, len(task_ids), TASKS_PER_EXPORT):
            params = {"exportType": "JSON", "download_all_tasks": "true", "ids[]": task_ids[start : start + TASKS_PER_EXPORT]}
            found += self._call("GET", f"api/projects/{project_id}/export", params=params)
        return found

    # Predictions and annotations

    def predictions(self, *, project_id: int | None = None, task_id: int | None = None) -> list[Json]:
        """The predictions of a project or of a task."""
        params = {key: value for key, value in (("project", project_id), ("task", task_id)) if value is not None}
        return list(self._call("GET", "api/predictions/", params=params))

    def import_predictions(self, project_id: int, predictions: Sequence[Mapping[str, Any]]) -> int:
        """Add predictions `{"task", "model_version", "score", "result"}`; how many were added."""
        answer = self._call("POST", f"api/projects/{project_id}/import/predictions", body=list(predictions))
        return int(answer["created"])

    def delete_predictions(self, project_id: int, task_ids: Sequence[int]) -> None:
        """Delete all predictions of tasks."""
        self._action(project_id, "delete_tasks_predictions", task_ids)

    def replace_predictions(self, project_id: int, predictions: Sequence[Mapping[str, Any]]) -> int:
        """Delete what the tasks have and add these; two calls. Of one broken off in between, the tasks have none."""
        self.delete_predictions(project_id, sorted({int(prediction["task"]) for prediction in predictions}))
        return self.import_predictions(project_id, predictions)

    def update_prediction(self, project_id: int, prediction_id: int, prediction: Mapping[str, Any]) -> str:
        """Replace `result`, `score`, `model_version`; when, by the server's clock (ISO 8601, UTC)."""
        body = {**prediction, "project": project_id}  # without it the strict validation does not know the config
        return str(self._call("PATCH", f"api/predictions/{prediction_id}/", body=body)["updated_at"])

    def delete_prediction(self, prediction_id: int) -> None:
        """Delete one. Somebody who has its task open cannot submit then (400): better update it."""
        self._call("DELETE", f"api/predictions/{prediction_id}/")

    def annotations(self, task_id: int) -> list[Json]:
        """What people saved on a task, without skipped ones."""
        return list(self._call("GET", f"api/tasks/{task_id}/annotations/"))

    def create_annotation(
        self,
        task_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        unique_id: str | None = None,
        lead_time: float | None = None,
        completed_by: int | None = None,
        was_cancelled: bool = False,
    ) -> int | None:
        """Its id; None where an annotation with this `unique_id` (a UUID) exists already, which is as good as done.

        `lead_time`: seconds. `completed_by`: id of a user; else whose token this is. `was_cancelled`: a skip.
        """
        body = {
            "result": list(result),
            "was_cancelled": was_cancelled,
            **{
                key: value
                for key, value in (("unique_id", unique_id), ("lead_time", lead_time), ("completed_by", completed_by))
                if value is not None
            },
        }
        try:
            return int(self._call("POST", f"api/tasks/{task_id}/annotations/", body=body)["id"])
        except LabelStudioError as error:
            if error.status == 409 and unique_id is not None:
                return None
            raise

    def update_annotation(self, annotation_id: int, result: Sequence[Mapping[str, Any]]) -> None:
        """Replace what was saved."""
        self._call("PATCH", f"api/annotations/{annotation_id}/", body={"result": list(result)})

    def delete_annotation(self, annotation_id: int) -> None:
        """Delete what was saved."""
        self._call("DELETE", f"api/annotations/{annotation_id}/")

    def _action(self, project_id: int, name: str, task_ids: Sequence[int], **more: Any) -> None:
        body = {"selectedItems": {"all": False, "included": list(task_ids)}, "project": project_id, **more}
        self._call("POST", "api/dm/actions", params={"id": name, "project": project_id}, body=body)

    def _tasks_with(self, project_id: int, uids: Sequence[str]) -> list[Json]:
        one = {"filter": "filter:tasks:data.uid", "operator": "in_list", "type": "String", "value": list(uids)}
        query: Json = {"filters": {"conjunction": "and", "items": [one]}}
        try:
            return list(self._tasks(project_id, query, "id,data", TASKS_PER_PAGE))
        except LabelStudioError as error:
            if error.status not in (400, 414, 431) or len(uids) == 1:
                raise
        # A web server before it takes shorter addresses.
        half = len(uids) // 2
        return self._tasks_with(project_id, uids[:half]) + self._tasks_with(project_id, uids[half:])

    def _tasks(self, project_id: int, query: Json, include: str, size: int) -> Iterator[Json]:
        page = 1
        while True:
            found = self._page(project_id, query, include, size, page)
            yield from found
            if len(found) < size:
                return
            page += 1

    def _page(self, project_id: int, query: Json, include: str, size: int, page: int) -> list[Json]:
        params = {
            "project": project_id,
            "query": orjson.dumps(query).decode(),
            "fields": "task_only",
            "include": include,
            "page_size": size,
            "page": page,
        }
        try:
            return list(self._call("GET", "api/tasks/", params=params)["tasks"])
        except LabelStudioError as error:
            if error.status == 404 and page > 1:
                return []  # the last page was exactly full
            raise


def _that_fit(uids: Iterable[str]) -> Iterator[list[str]]:
    some: list[str] = []
    size = 0
    for uid in uids:
        more = len(quote(orjson.dumps(orjson.dumps(uid).decode()).decode())) + 3
        if some and (len(some) == UIDS_PER_CALL or size + more > ADDRESS):
            yield some
            some, size = [], 0
        some.append(uid)
        size += more
    if some:
        yield some


def _user(found: Mapping[str, Any]) -> User:
    return User(int(found["id"]), str(found["email"]))


def _utc(when: str | datetime | None) -> str | None:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(when, datetime) else when
