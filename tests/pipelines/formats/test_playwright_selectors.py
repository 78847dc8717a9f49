"""What a selector says of its element."""

from __future__ import annotations

import pytest

from pipelines.formats.playwright.selectors import element_of


@pytest.mark.parametrize(
    ("selector", "action", "expected"),
    [
        ('internal:role=button[name="Place order"i]', "click", {"role": "button", "name": "Place order"}),
        ('internal:label="Blue notebook"s >> internal:role=button', "click", {"role": "button"}),
        ('internal:label="Search"i', "fill", {"role": "textbox", "name": "Search"}),
        ('internal:label="Search"i', "press", {"name": "Search"}),
        ('internal:role=textbox[name="say \\"hi\\""i]', "fill", {"role": "textbox", "name": 'say "hi"'}),
        ('internal:attr=[placeholder="Street"i]', "fill", {"role": "textbox", "name": "Street"}),
        ("#delivery", "select", {"role": "combobox"}),
        ("css=div.card", "click", {}),
        (None, "click", {}),
        ({"not": "text"}, "check", {"role": "checkbox"}),
    ],
)
def test_role_and_name(selector: object, action: str, expected: dict[str, str]) -> None:
    assert element_of(selector, action) == expected
