"""What a person does on a task of Label Studio, with mouse and keyboard alone, and how much of it.

Where things are is read from the page (the editor draws with Konva, which says where its shapes lie); what is done to them
goes through the browser's own mouse and keyboard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.annotators.label_studio.config.test_layout import BOXES, CONTROLS

OUTPUT = Path(__file__).resolve().parents[1] / "output" / "review"
SUBMIT = "bottombar-submit-button"

HITS = """(controls) => {
  const shown = [...document.querySelectorAll(controls)].filter(e => e.checkVisibility() && e.getClientRects().length);
  return shown.map(e => {
    e.scrollIntoView({block: 'nearest'});
    const box = e.getBoundingClientRect(), hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return {name: e.tagName + ' ' + e.innerText.trim(), hit: !!hit && (e.contains(hit) || hit.contains(e) && hit.tagName === 'LABEL')};
  });
}"""
"""Each control that is shown, scrolled to in its own column, and whether a click on its centre reaches it."""

SHAPES = """() => Konva.stages.flatMap(stage => {
  const frame = stage.container().getBoundingClientRect();
  return stage.find('Circle,Rect').filter(shape => shape.isVisible()).map(shape => {
    const box = shape.getClientRect({skipStroke: true});
    return {name: shape.name(), x: frame.x + box.x, y: frame.y + box.y, width: box.width, height: box.height};
  });
})"""
"""Everything that is drawn: name (it begins with the region's id), and where it lies on the page."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Effort:
    """How much a person did: `clicks`, `drags`, and `keys`, each key of a text, a chord as one."""

    clicks: int = 0
    drags: int = 0
    keys: int = 0

    @property
    def total(self) -> int:
        return self.clicks + self.drags + self.keys


class ReviewPage:
    """A task in the label stream."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.clicks = self.drags = self.keys = 0
        page.locator(".review-timeline canvas, .review-list .konvajs-content canvas").first.wait_for()
        page.wait_for_load_state("networkidle")

    @property
    def effort(self) -> Effort:
        return Effort(self.clicks, self.drags, self.keys)

    @property
    def title(self) -> str:
        """What stands on top of the column beside the media."""
        return str(self.page.locator(".review-side > *").first.inner_text())

    @property
    def proposed(self) -> str:
        """The numbered list of what was proposed."""
        return str(self.page.locator(".review-side").inner_text())

    def keep(self, name: str) -> None:
        """Keep a picture of the page."""
        OUTPUT.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=OUTPUT / f"{name}.png")

    # Mouse and keyboard

    def click(self, place: Any) -> None:
        place.click()
        self.clicks += 1

    def click_at(self, at: Point) -> None:
        self.page.mouse.click(*at)
        self.clicks += 1

    def drag(self, start: Point, end: Point) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
        mouse.move(*end, steps=4)
        mouse.up()
        self.drags += 1

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.keys += len(text)

    # The timeline

    def row(self, region: str) -> Any:
        return self.page.locator(f".lsf-keypoints[data-id='{region}']")

    def frames(self, region: str) -> tuple[int, int]:
        """First and last frame of a region, as its row says them."""
        start, end = (self.row(region).get_attribute(f"data-{name}") for name in ("start", "end"))
        return int(start), int(end or start)

    def place_of_frame(self, frame: int) -> Point:
        """Where the middle of a frame lies on the page, below all rows of the timeline."""
        left = self.page.locator(".lsf-timeline-frames__background").bounding_box()["x"]
        room = self.page.locator(".lsf-timeline-frames__filler").bounding_box()
        return left + 16 * frame - 8, room["y"] + room["height"] - 12

    def drag_boundary(self, region: str, frames: int) -> None:
        """Drag the end of a region by some frames."""
        last = self.row(region).locator(".lsf-keypoints__point_last").bounding_box()
        start = (last["x"] + last["width"] / 2, last["y"] + last["height"] / 2)
        first, end = self.frames(region)
        self.drag(start, (start[0] + 16 * frames, start[1]))
        self._until(lambda: self.frames(region) == (first, end + frames))

    def drag_event(self, region: str, frames: int) -> None:
        """Drag a mark of one frame by some frames."""
        mark = self.row(region).locator(".lsf-keypoints__point").first.bounding_box()
        start = (mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
        first = self.frames(region)[0]
        self.drag(start, (start[0] + 16 * frames, start[1]))
        self._until(lambda: self.frames(region)[0] == first + frames)

    def draw_span(self, key: str, first: int, last: int) -> str:
        """Let go of what is selected, press the key of a word, and drag over frames; the new region's id."""
        before = self._rows()
        self.press("u", key)
        self.drag(self.place_of_frame(first), self.place_of_frame(last))
        self._until(lambda: len(self._rows()) == len(before) + 1)
        (new,) = self._rows() - before
        return new

    def _rows(self) -> set[str]:
        return set(self.page.locator(".lsf-keypoints").evaluate_all("rows => rows.map(row => row.dataset.id)"))

    def select(self, region: str) -> None:
        """Click on a region of the timeline."""
        self.row(region).wait_for()
        self.click_at(centre(self.row(region).locator(".lsf-keypoints__lifespan").bounding_box()))
        self.page.locator(f".lsf-keypoints_selected[data-id='{region}']").wait_for()

    def go_to_frame(self, frame: int) -> None:
        """Type the number of a frame over that of the present one."""
        box = self.page.locator(".lsf-frames-control")
        digits = len(box.inner_text().split()[0])
        self.click(box)
        self.press("End", *["Backspace"] * digits)
        self.type(str(frame))
        self.press("Enter")
        self._until(lambda: box.inner_text().split()[0] == str(frame))
        self.page.wait_for_function("() => !document.querySelector('video').seeking")

    def drag_track(self, region: str, by: Point) -> None:
        """Select a track by its name on the timeline, and drag its box on the frame that is shown."""
        self.click(self.row(region).locator(".lsf-keypoints__label"))
        self.page.locator(f".lsf-keypoints_selected[data-id='{region}']").wait_for()
        corners = [centre(self.shape(f"{at} _anchor")) for at in ("top-left", "bottom-right")]
        middle = ((corners[0][0] + corners[1][0]) / 2, (corners[0][1] + corners[1][1]) / 2)
        self.drag(middle, (middle[0] + by[0], middle[1] + by[1]))

    # Texts

    def mend_text(self, old: str, new: str) -> None:
        """Click the pencil of a text, write it anew."""
        text = self.page.get_by_test_id("htx-textbox-view").filter(has=self.page.get_by_text(old, exact=True))
        self.click(text.get_by_test_id("htx-textbox-edit-button"))
        self.press("Control+a")
        self.type(new)
        self.press("Shift+Enter")
        self.page.get_by_test_id("htx-textbox-content").get_by_text(new, exact=True).wait_for()

    def write_text(self, name: str, text: str) -> None:
        """Write into an empty text and add it."""
        self.click(self.page.locator(f".review-side textarea[name^='{name}']"))
        self.type(text)
        self.press("Shift+Enter")
        self.page.get_by_test_id("htx-textbox-content").get_by_text(text, exact=True).wait_for()

    # Pictures

    def choose(self, key: str, word: str) -> None:
        """Press the key of a choice."""
        self.press(key)
        self.page.locator(f".review-side input[name='{word}']:checked").wait_for()

    def go_to_picture(self, number: int) -> None:
        """Turn on to a picture of the list, counted from 1."""
        at = int(self.page.get_by_text(re.compile(r"^\s*\d+ of \d+")).first.inner_text().split()[0])
        while at != number:
            self.press("Control+ArrowRight" if at < number else "Control+ArrowLeft")
            at += 1 if at < number else -1
            self.page.get_by_text(re.compile(rf"^\s*{at} of \d+")).first.wait_for()
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(150)

    def shape(self, region: str) -> dict[str, float]:
        """Where a region is drawn on the page. Several points of one path: by `point`."""
        self._until(lambda: any(s["name"].startswith(region) for s in self.page.evaluate(SHAPES)))
        return next(shape for shape in self.page.evaluate(SHAPES) if shape["name"].startswith(region))

    def drag_shape(self, region: str, by: Point) -> None:
        """Take hold of the middle of a region and drag it."""
        middle = centre(self.shape(region))
        self.drag(middle, (middle[0] + by[0], middle[1] + by[1]))

    def place_on_picture(self, x: float, y: float) -> Point:
        """Where percents of the picture lie on the page."""
        frame = self.page.locator(".review-list img").bounding_box()  # what is drawn on may be higher
        return frame["x"] + frame["width"] * x / 100, frame["y"] + frame["height"] * y / 100

    def draw_box(self, key: str, box: tuple[float, float, float, float]) -> None:
        """Let go, press the key of a word, draw from corner to corner; percents of the picture."""
        with self._one_more():
            self.press("u", key)
            self.drag(self.place_on_picture(*box[:2]), self.place_on_picture(*box[2:]))

    def set_point(self, key: str, x: float, y: float) -> None:
        """Let go, press the key of a word, click; percents of the picture."""
        with self._one_more():
            self.press("u", key)
            self.click_at(self.place_on_picture(x, y))

    def draw_outline(self, key: str, *corners: Point) -> None:
        """Let go, press the key of a word, click from corner to corner and on the first again; percents of the picture.

        Ctrl draws inside another region, which a click would select.
        """
        self.press("u", key)
        places = [self.place_on_picture(*corner) for corner in corners]
        with self._held("Control"):
            for place in places:
                self.click_at(place)
                self.page.wait_for_timeout(50)
        self.click_at(places[0])

    def drag_corner(self, number: int, by: Point) -> None:
        """Drag a corner of the selected outline, counted from 0."""
        name = re.compile(rf"anchor_\d+_{number}")
        self._until(lambda: any(name.match(shape["name"]) for shape in self.page.evaluate(SHAPES)))
        corner = centre(next(shape for shape in self.page.evaluate(SHAPES) if name.match(shape["name"])))
        self.drag(corner, (corner[0] + by[0], corner[1] + by[1]))

    def select_shape(self, region: str) -> None:
        """Click into a region near its top left corner, where no smaller one lies on it."""
        box = self.shape(region)
        self.click_at((box["x"] + box["width"] / 8, box["y"] + box["height"] / 4))
        self.shape("top-left _anchor")

    @contextmanager
    def _held(self, key: str) -> Iterator[None]:
        self.page.keyboard.down(key)
        yield
        self.page.keyboard.up(key)
        self.keys += 1

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        """Wait until the picture shows a region more than before."""

        def count() -> int:
            return sum("_transformable" in shape["name"] for shape in self.page.evaluate(SHAPES))

        before = count()
        yield
        self._until(lambda: count() == before + 1)

    # Links

    def link(self, source: str, picture: int, destination: str, word: str) -> None:
        """Link a region of this picture to one of another, and give the link its word."""
        self.select_shape(source)
        self.press("Alt+r")
        self.go_to_picture(picture)
        self.page.get_by_text("Relations", exact=True).first.click()
        self.clicks += 1
        links = self.page.locator(".lsf-relations__item")
        before = links.count()
        self.click_at(centre(self.shape(destination)))
        self._until(lambda: links.count() == before + 1)
        self._say(links.nth(before), word)

    def links(self) -> list[list[str]]:
        """The names of both ends of each link, as they can be read."""
        items = self.page.locator(".lsf-relations__item")
        return [items.nth(at).locator(".lsf-labels-list").all_inner_texts() for at in range(items.count())]

    def say_of_link(self, ends: list[str], word: str) -> None:
        """Give a link another word."""
        self._say(self._link(ends), word)

    def delete_link(self, ends: list[str]) -> None:
        """Click its bin."""
        item, before = self._link(ends), len(self.links())
        item.hover()
        self.click(item.get_by_label("Delete Relation"))
        self._until(lambda: len(self.links()) == before - 1)

    def _link(self, ends: list[str]) -> Any:
        return self.page.locator(".lsf-relations__item").nth(self.links().index(ends))

    def _say(self, item: Any, word: str) -> None:
        item.hover()
        self.click(item.get_by_label("Show Relation Labels"))
        words = item.locator(".lsf-relation-meta button")
        self.click(words)
        self.click(self.page.get_by_test_id("select-option-label").get_by_text(word, exact=True))
        self.press("Escape")
        words.get_by_text(word, exact=True).wait_for()

    # Orders

    @property
    def order(self) -> list[str]:
        """The candidates from top to bottom."""
        found: list[str] = self.page.locator(".htx-ranker-item").evaluate_all("items => items.map(i => i.dataset.rankerId)")
        return found

    def drag_to_top(self, candidate: str) -> None:
        """Take a candidate by its title and drag it above all others."""
        wanted = [candidate, *(other for other in self.order if other != candidate)]
        items = self.page.locator(".htx-ranker-item")
        start, end = items.nth(self.order.index(candidate)).bounding_box(), items.first.bounding_box()
        self.drag((start["x"] + 40, start["y"] + 15), (end["x"] + 40, end["y"] + 5))
        self._until(lambda: self.order == wanted)

    # The end

    def submit(self) -> Any:
        """Press Submit; what was saved."""
        with self.page.expect_response(lambda a: "/annotations" in a.url and a.request.method == "POST") as answer:
            self.click(self.page.get_by_test_id(SUBMIT))
        saved = answer.value.json()
        self.page.close()
        return saved

    def layout(self) -> dict[str, Any]:
        """Boxes of what matters, and the controls that a click does not reach."""
        found = dict(self.page.evaluate(BOXES))
        hits = self.page.evaluate(HITS, CONTROLS)
        assert hits
        found["missed"] = [hit["name"] for hit in hits if not hit["hit"]]
        found["submit"] = self.page.get_by_test_id(SUBMIT).bounding_box()
        return found

    def _until(self, done: Any) -> None:
        for _ in range(200):
            if done():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("the page did not do what was asked of it")


def centre(box: dict[str, float]) -> Point:
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
