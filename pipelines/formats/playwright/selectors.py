"""What a selector says of the element that it finds: its ARIA role and its accessible name, where it names them.

`internal:role=button[name="Place order"i]`, `internal:label="Search"i`: the last part of a chain (`>>`) is the element.
"""

from __future__ import annotations

import re

_ROLE = re.compile(r"^internal:role=([a-z]+)")
_NAME = re.compile(r'(?:\[name=|^internal:(?:label|text|attr=\[(?:alt|title|placeholder)=|has-text)=?)"((?:[^"\\]|\\.)*)"')
_ROLE_OF_ACTION = {"fill": "textbox", "select": "combobox", "check": "checkbox", "uncheck": "checkbox"}
"""Calls that only work on one role of element."""


def element_of(selector: object, action: str) -> dict[str, str]:
    """`role` and `name` of the element that an action is aimed at, as far as selector and action say them."""
    last = str(selector).split(" >> ")[-1] if isinstance(selector, str) else ""
    role, name = _ROLE.search(last), _NAME.search(last)
    found = {"role": role[1] if role else _ROLE_OF_ACTION.get(action), "name": _unquoted(name[1]) if name else None}
    return {key: value for key, value in found.items() if value}


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
