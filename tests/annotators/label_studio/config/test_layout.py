"""Every view as people meet it: real Label Studio, real browser, 1440x900, in the label stream.

Pictures of what was seen are kept in `tests/output/review/layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annotators.label_studio.config import check_results, instructions, render
from annotators.label_studio.config.hotkeys import keyed_terms
from annotators.label_studio.views import VIEWS
from tests.annotators.label_studio.config.scenes import SCENES, Scene

expect = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed").expect
OUTPUT = Path(__file__).resolve().parents[3] / "output" / "review" / "layout"
CONTROLS = ".review-side .lsf-label, .review-side .lsf-choices label, .review-side textarea, .review-side button, .review-side .htx-ranker-item"
SUBMIT = "bottombar-submit-button"

HITS = """(controls) => {
  const shown = [...document.querySelectorAll(controls)].filter(e => e.checkVisibility() && e.getClientRects().length);
  return shown.map(e => {
    const box = e.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
    const hit = document.elementFromPoint(x, y);
    return {name: e.tagName + ' ' + e.innerText.trim(), hit: !!hit && (e.contains(hit) || hit.contains(e) && hit.tagName === 'LABEL')};
  });
}"""
"""Each control that is shown, and whether a click on its centre reaches it."""

BOXES = """() => {
  const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom].map(Math.round); };
  const page = document.documentElement, main = document.querySelector('.lsf-main-content');
  const media = document.querySelector('.review-timeline .lsf-video__main, .review-list .konvajs-content');
  const list = [...document.querySelectorAll('.review-side > *')].find(e => e.innerText.startsWith('1. '));
  return {
    page: [page.scrollWidth - innerWidth, page.scrollHeight - innerHeight],
    main: [main.scrollWidth - main.clientWidth, main.scrollHeight - main.clientHeight],
    media: box(media), frame: box(media.closest('.review-list, .review-timeline')), picture: box(media.closest('[class*=container]') ?? media),
    proposed: list && {text: list.innerText, box: box(list), hidden: list.scrollHeight - list.clientHeight},
    rows: document.querySelectorAll('.lsf-keypoints').length,
  };
}"""


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest) -> Scene:
    """A task of each view."""
    return SCENES[request.param]()


@pytest.fixture
def opened(label_studio: Any, project: Any, label_stream: Any) -> Iterator[Callable[..., tuple[int, Any]]]:
    """`opened(scene, instruction)`: its project on the server, and a page with its task in the label stream."""

    def go(scene: Scene, instruction: str = "") -> tuple[int, Any]:
        name = scene.data["uid"]
        folder = label_studio.media_root / "scenes" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in scene.files.items():
            (folder / file).write_bytes(content)

        def url(file: str) -> str:
            return f"/data/local-files/?d=scenes/{name}/{file}"

        data = dict(scene.data)
        if "media" in data:
            data["media"] = url(data["media"])
        if "images" in data:
            data["images"] = [url(file) for file in data["images"]]
        number = project(render(scene.project), instruction=instruction)
        label_studio.client.add_media_folder(number, str(folder))
        prediction = {"model_version": "proposed", "score": 0.5, "result": scene.results}
        label_studio.client.import_tasks(number, [{"data": data, "predictions": [prediction]}])
        label_studio.client.update_project(number, model_version="proposed", show_collab_predictions=True)
        page = label_stream(number)
        ready(page)
        return number, page

    return go


def ready(page: Any) -> None:
    """Wait until media and proposals are there."""
    page.locator(".lsf-outliner-item, .htx-ranker-item, .review-side input:checked").first.wait_for()
    page.locator(".review-timeline .lsf-timeline, .review-list .konvajs-content canvas").first.wait_for()


def keep(page: Any, scene: Scene, what: str) -> None:
    """Keep a picture of the page."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=OUTPUT / f"{scene.data['uid']}_{what}.png")


def missed(page: Any) -> list[str]:
    """Controls that a click does not reach."""
    hits = page.evaluate(HITS, CONTROLS)
    assert hits
    return [hit["name"] for hit in hits if not hit["hit"]]


@pytest.mark.slow  # `end_to_end/test_review_views.py` looks at real tasks of every view
def test_a_task_is_all_in_sight_answers_to_its_keys_and_is_saved_as_it_was_pushed(
    opened: Any, label_studio: Any, scene: Scene
) -> None:
    """One test per view, for a task takes seconds to open."""
    number, page = opened(scene)
    keep(page, scene, "opened")
    all_in_sight(page, scene)
    if scene.surface.fps is None:
        next_pictures_lie_in_their_frame(page, scene)
    if scene.project.layers != ("preference",):
        keys_do_what_stands_beside_their_words(page, scene)
        page.reload()
        ready(page)
    saved = submit(page, label_studio, number)
    assert len(saved) == len(scene.results)
    assert check_results(render(scene.project), "uid", scene.surface, saved) == []


def submit(page: Any, label_studio: Any, number: int) -> list[dict[str, Any]]:
    """Submit the task and give what was saved."""
    with page.expect_response(lambda answer: "/annotations" in answer.url and answer.request.method == "POST"):
        page.get_by_test_id(SUBMIT).click()
    (task,) = label_studio.client.export(number, label_studio.client.task_ids(number))
    saved: list[dict[str, Any]] = task["annotations"][0]["result"]
    return saved


def all_in_sight(page: Any, scene: Scene) -> None:
    """Nothing scrolls, nothing is covered; media, Submit and the proposed texts are in the window."""
    found = page.evaluate(BOXES)
    assert max(found["page"]) <= 0
    assert max(found["main"]) <= 0
    submit = page.get_by_test_id(SUBMIT).bounding_box()
    assert 0 < submit["y"] < submit["y"] + submit["height"] <= 900
    left, top, right, bottom = found["media"]
    assert 0 <= left < right <= 1440
    assert 0 <= top < bottom <= submit["y"]
    assert (right - left) * (bottom - top) > 150_000
    assert missed(page) == []
    shown = found["proposed"]
    assert all(text in shown["text"] for text in scene.texts)
    assert shown["hidden"] <= 0
    assert shown["box"][3] <= submit["y"]
    if scene.surface.fps is not None:
        assert found["rows"] >= len(
            {result["id"] for result in scene.results if "ranges" in result["value"] or "sequence" in result["value"]}
        )


def pick(page: Any, word: str) -> Any:
    """The region of a word in the outliner."""
    return page.locator(".lsf-outliner-item", has_text=word).first


def keys_do_what_stands_beside_their_words(page: Any, scene: Scene) -> None:
    """Each key selects its word, and no region comes or goes."""
    regions = page.locator(".lsf-outliner-item").count()
    for layer, term in keyed_terms(scene.project):
        label = page.locator(".review-side .lsf-label_selected").filter(has=page.get_by_text(term.value, exact=True))
        chosen = label.or_(page.locator(f'.review-side input[name="{term.value}"]:checked'))
        if chosen.count() == 0:
            page.keyboard.press(term.hotkey)
            expect(chosen, f"{term.hotkey} of {layer}").to_have_count(1)
    assert page.locator(".lsf-outliner-item").count() == regions


def next_pictures_lie_in_their_frame(page: Any, scene: Scene) -> None:
    """The editor measures a picture while its tools are away, and would cut off the right end of the next one."""
    first, count = page.evaluate(BOXES)["media"], len(scene.surface.steps)
    for number in range(2, count + 1):
        page.keyboard.press("Control+ArrowRight")
        page.get_by_text(f"{number} of {count}").wait_for()
        page.wait_for_function(SETTLED, polling=200)
        found = page.evaluate(BOXES)
        assert found["media"][:3] == first[:3]
        assert found["picture"][2] >= found["media"][2]
        assert found["media"][3] <= page.get_by_test_id(SUBMIT).bounding_box()["y"]
        assert max(found["main"]) <= 0
        assert missed(page) == []
    keep(page, scene, "last")
    for number in range(count - 1, 0, -1):
        page.keyboard.press("Control+ArrowLeft")
        page.get_by_text(f"{number} of {count}").wait_for()


SETTLED = """() => {
  const now = document.querySelector('.konvajs-content')?.getBoundingClientRect().width;
  const same = now && window.seen === now; window.seen = now; return same;
}"""
"""The picture is there, and as wide as it was a moment ago."""


@pytest.mark.parametrize("view", [name for name, view in VIEWS.items() if view.max_regions])
def test_the_text_of_a_region_opens_with_it_and_nothing_is_covered_then(opened: Any, view: str) -> None:
    scene = SCENES[view]()
    _, page = opened(scene)
    first = next(r for r in scene.results if r["type"] == "timelinelabels")["value"]["timelinelabels"][0]
    assert page.get_by_test_id("htx-textbox-content").filter(has_text=scene.texts[0]).count() == 0
    pick(page, first).click()
    page.get_by_test_id("htx-textbox-content").filter(has_text=scene.texts[0]).wait_for()
    keep(page, scene, "region")
    assert missed(page) == []


def test_fields_of_a_check_open_with_it(opened: Any) -> None:
    scene = SCENES["gui_steps"]()
    _, page = opened(scene)
    for number in (2, 3, 4):
        page.keyboard.press("Control+ArrowRight")
        page.get_by_text(f"{number} of 5").wait_for()
    page.wait_for_function(SETTLED, polling=200)
    left, top, right, _ = page.evaluate(BOXES)["media"]
    width, height = right - left, (right - left) * 600 / 960
    page.mouse.click(left + 0.975 * width, top + 0.065 * height)
    for text in ("#rate-parcels", "4.90"):
        page.get_by_test_id("htx-textbox-content").get_by_text(text, exact=True).wait_for()
    keep(page, scene, "check")
    page.locator(".review-side .lsf-label", has_text="other").scroll_into_view_if_needed()
    assert page.evaluate(BOXES)["page"][1] <= 0


def test_a_region_of_every_kind_can_be_added_to_the_timeline(opened: Any, label_studio: Any) -> None:
    scene = SCENES["arc_story"]()
    number, page = opened(scene)
    page.keyboard.press("t")
    row = page.locator(".lsf-keypoints").first.bounding_box()
    y = row["y"] + row["height"] / 2
    page.mouse.move(row["x"] + 300, y)
    page.mouse.down()
    page.mouse.move(row["x"] + 380, y, steps=5)
    page.mouse.up()
    page.locator(".lsf-outliner-item", has_text="detour").wait_for()
    saved = submit(page, label_studio, number)
    (added,) = [r for r in saved if r["value"].get("timelinelabels") == ["detour"]]
    assert added["from_name"] == "timeline"
    assert added["value"]["ranges"][0]["end"] - added["value"]["ranges"][0]["start"] == 5
    assert len(saved) == len(scene.results) + 1
    assert check_results(render(scene.project), "uid", scene.surface, saved) == []


def test_markup_in_title_and_proposals_stays_text(opened: Any) -> None:
    scene = SCENES["robot_contact"]()
    nasty = "<img src=x onerror=alert(1)> <script>alert(2)</script> <b>bold</b> $fps"
    changed = Scene(
        scene.project, scene.surface, scene.data | {"title": nasty, "proposed": f"1. {nasty}", "uid": "markup"},
        scene.results, (nasty,), scene.files,
    )  # fmt: skip
    dialogs: list[str] = []
    _, page = opened(changed, instructions(changed.project))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    assert page.locator(".review-side").inner_text().count(nasty) == 2
    assert page.locator(".review-side img, .review-side script, .review-side b").count() == 0
    assert dialogs == []
