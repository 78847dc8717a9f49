"""A card as its reader sees it: tables, code and pictures, through a Markdown parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml
from markdown_it import MarkdownIt


@dataclass(frozen=True)
class Card:
    """The YAML, the page, its tables as (heading, header, rows), its Python blocks, and the pictures it shows."""

    header: dict[str, Any]
    page: str
    tables: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]], ...]
    code: tuple[str, ...]
    pictures: tuple[str, ...]

    def table(self, *header: str) -> list[dict[str, str]]:
        """The rows of the one table whose header begins so."""
        (found,) = [(names, rows) for _, names, rows in self.tables if names[: len(header)] == header]
        return [dict(zip(found[0], row, strict=True)) for row in found[1]]


def parsed(text: str) -> Card:
    """A card from its text, with spaces that break in place of those that do not."""
    _, header, page = text.replace("\N{NO-BREAK SPACE}", " ").split("---\n", 2)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(page)
    tables: list[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]] = []
    rows: list[list[str]] = []
    heading = ""
    for i, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[i + 1].content
        elif token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(tokens[i + 1].content)
        elif token.type == "table_close":
            tables.append((heading, tuple(rows[0]), tuple(map(tuple, rows[1:]))))
    code = tuple(token.content for token in tokens if token.type == "fence" and token.info == "python")
    pictures = [c.attrs["src"] for t in tokens for c in t.children or () if c.type == "image"]
    return Card(yaml.safe_load(header), page, tuple(tables), code, tuple(map(str, pictures)))


def numbers(text: str) -> list[str]:
    """All numbers in a text."""
    return re.findall(r"\d[\d .]*\d|\d", text)
