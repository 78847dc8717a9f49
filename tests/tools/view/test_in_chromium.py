"""The pages as people use them, in a real browser: keys, panels, overlays; nothing is fetched and no text becomes markup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .conftest import MARKUP, Window, arc_step, header, pixel, said, step_of, write


def test_an_arc_trace(view: Callable[..., Path], layered: Path, window: Window) -> None:
    page = window.show(view("two/layers", "--release", layered))
    badge = page.locator("#badge")
    assert badge.get_attribute("data-verdict") == "exact"
    assert "the test input" in page.inner_text("#panel figcaption >> nth=0")  # not recorded before step 0: the task says it
    assert pixel(page, "#panel canvas >> nth=0", 0.75, 0.25) == [0, 116, 217]

    page.keyboard.press("ArrowRight")
    assert (step_of(page), badge.get_attribute("data-verdict"), badge.inner_text()) == (1, "visible", "◐\nreplay: visible")
    assert "2 cells selected" in page.inner_text(".grids")
    assert "1 cell changed" in page.inner_text(".grids")
    assert "1 floating cell outside" in page.inner_text(".grids")
    assert pixel(page, ".grids canvas >> nth=1", 0.85, 0.85) == [255, 65, 54]
    page.click("button[data-layer=background]")
    assert pixel(page, ".grids canvas >> nth=1", 0.85, 0.85) == [0, 0, 0]
    page.click("button[data-layer=floating]")
    assert pixel(page, ".grids canvas >> nth=1", 0.85, 0.85) == [255, 65, 54]
    assert pixel(page, ".grids canvas >> nth=1", 0.3, 0.3) not in ([0, 0, 0], [0, 116, 217])  # nothing floats there
    page.click("button[data-layer=visible]")
    window.sheet("test_arc")

    page.keyboard.press("End")
    assert (step_of(page), badge.get_attribute("data-verdict"), page.inner_text("#observed")) == (3, "unverifiable", "no rule")
    page.keyboard.press("ArrowLeft")
    assert badge.get_attribute("data-verdict") == "diverged"
    page.keyboard.press("Home")
    assert step_of(page) == 0
    assert page.inner_text(".outcome") == "solved (score 1), says the oracle arc.success"
    assert page.locator(".task canvas").count() == 4


def test_markup_stays_text(view: Callable[..., Path], layered: Path, window: Window) -> None:
    file = view("two/layers", "--release", layered)
    page = window.show(file, 1)
    assert file.read_text().count("</script") == 2  # of ours
    assert page.locator("img").count() == 0
    assert page.locator("b:text-is('bold')").count() == 0
    assert MARKUP in page.inner_text(".instruction")
    assert MARKUP in page.inner_text("#arguments")
    assert MARKUP in page.inner_text("#provenance")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#observed") == MARKUP
    assert page.inner_text("#action") == MARKUP.replace("_", " ")
    for more in page.locator("#table summary").all():
        more.click()
    assert page.inner_text("#table").count(MARKUP) > 6
    task = window.show(view("--task", "tiny", "--release", layered))
    assert MARKUP in task.inner_text("#trajectories")


def test_it_plays_to_the_end(view: Callable[..., Path], layered: Path, window: Window) -> None:
    page = window.show(view("two/layers", "--release", layered))
    page.select_option("#speed", "16")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(" ")
    assert page.inner_text("#play") == "■ stop"
    page.wait_for_selector("#play:not(.on)")
    assert step_of(page) == 3
    page.check("#reverse")
    page.click("#play")
    page.wait_for_selector("#play:not(.on)")
    assert step_of(page) == 0


def test_pictures_that_are_not_there(view: Callable[..., Path], screens: Path, window: Window) -> None:
    page = window.show(view("s/one", "--release", screens))
    assert "The screenshot of step 1 is not shown" in page.inner_text("header")
    page.keyboard.press("End")
    page.wait_for_selector('.screen canvas[data-step="2"]')
    assert page.inner_text("#panel p.faint >> nth=1") == "the page was closed"
    robot = window.show(view("r/one", "--release", screens), 1)
    assert "no frame at this step" in robot.inner_text(".cameras figcaption")
    robot.keyboard.press("End")
    robot.wait_for_selector('.cameras canvas[data-step="2"]')
    assert robot.locator(".plot h3").all_inner_texts() == ["state", "gripper"]
    assert "intrinsics, extrinsics of each step" in robot.inner_text("#provenance")


def test_thousands_of_steps(view: Callable[..., Path], tmp_path: Path, window: Window) -> None:
    count, name = 4000, "long/one"
    grids = [[[i % 10]] for i in range(count + 1)]
    folder = tmp_path / "release"
    write(folder, "trajectories", [header(name, "arc", count)])
    write(folder, "arc_steps", [arc_step(name, i, grids[i], grids[i + 1]) for i in range(count)])
    write(
        folder,
        "segments",
        [said("sub_goal", name, i, start=i, end=i + 1, label="build") for i in range(0, count, 2)],
        "sub_goal",
    )
    page = window.show(view(name, "--release", folder), 3000)
    assert step_of(page) == 3000
    assert page.inner_text(".step.now .n") == "3000"
    assert page.locator(".step").count() < 60  # what is in sight, not all of them
    assert page.locator("#table tr").count() == 100
    page.click("#more")
    assert page.locator("#table tr").count() == 200
    page.click("#closer")
    page.keyboard.press("End")
    assert page.inner_text(".step.now .n") == "3999"
    window.sheet("test_long")


def test_a_task(view: Callable[..., Path], crowd: Path, window: Window) -> None:
    page = window.show(view("--task", "tiny", "--release", crowd))
    assert page.locator(".node").count() == 5
    thick = page.evaluate("Object.fromEntries(Cairn.data.graphs[0].edges.map(e => [[e.from, e.to].join(), e.people]))")
    assert sorted(thick.values(), reverse=True)[:2] == [4, 3]  # from the start to what most people did, and on to the answer
    assert [words.splitlines()[0] for words in page.locator(".answer").all_inner_texts()] == [
        "✓ right · 3 people",
        "✗ wrong · 2 people",
    ]
    page.click("#trajectories tr[data-id='crowd/ann']")
    page.click("#trajectories tr[data-id='crowd/eve']")
    assert "they part after 2 shared states; 2 states in common" in page.inner_text("#compared")
    assert (page.locator(".edge.A").count(), page.locator(".edge.B").count()) == (2, 1)
    window.sheet("test_task")
    page.locator(".node[data-node='0']").focus()
    page.keyboard.press("Enter")
    assert "5 people of 5 came here" in page.inner_text("#state")


def test_small_windows(view: Callable[..., Path], layered: Path, crowd: Path, window: Window) -> None:
    for file in (view("two/layers", "--release", layered), view("--task", "tiny", "--release", crowd)):
        page = window.show(file)
        for width in (1440, 820, 420):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
