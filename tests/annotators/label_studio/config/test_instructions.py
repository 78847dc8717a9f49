"""The instruction panel says what is asked, what the words mean, and what a submit asserts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from annotators.label_studio.config import instructions
from annotators.label_studio.config.hotkeys import terms_of
from annotators.label_studio.config.instructions import asserts, examples
from annotators.label_studio.project import Project
from annotators.label_studio.views import VIEWS
from schemas.layers import layers
from tests.annotators.label_studio.config.scenes import project_of

PROJECTS = {view: project_of(view) for view in VIEWS} | {"ranking": project_of("verdict", "preference")}
EVERY = pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)


class Reader(HTMLParser):
    """The text of HTML, and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.open, self.elements = "", 0, set[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.elements.add(tag)
        self.open += 1

    def handle_endtag(self, tag: str) -> None:
        self.open -= 1

    def handle_data(self, data: str) -> None:
        self.text += data


@EVERY
def test_a_panel_tells_what_to_do_and_what_submitting_says(project: Project) -> None:
    read = Reader(instructions(project))
    assert read.open == 0
    assert read.elements <= {"h3", "h4", "p", "ol", "ul", "li", "b"}
    for sentence in (*project.review_view.asks, *asserts(project)):
        assert sentence in read.text
    assert len(examples(project)) == 3
    assert "Skip says nothing" in read.text
    assert "Ctrl + Enter" in read.text
    if project.view != "verdict":
        for declared in project.declared:
            assert declared.review is not None
            assert f"you say: {declared.review.absent}." in read.text
            assert all(term.meaning in read.text for term in terms_of(declared))


@pytest.mark.parametrize("name", [n for n, d in layers().items() if d.review])
def test_every_layer_alone_has_three_unlike_examples_with_its_words(name: str) -> None:
    declared = layers()[name]
    assert declared.review is not None
    given = examples(Project("some", declared.review.view, (name,)))
    assert len(set(given)) == 3
    assert not re.search("‘’|None", "".join(given))


def test_markup_in_a_name_stays_text() -> None:
    nasty = "<script>alert(1)</script> & <img src=x onerror=y>"
    read = Reader(instructions(Project(nasty, "robot_contact", ("contact",))))
    assert nasty in read.text
    assert "script" not in read.elements


def test_a_blind_panel_says_that_nothing_is_proposed() -> None:
    assert "Nothing is proposed" in instructions(project_of("robot_language", blind=True))
