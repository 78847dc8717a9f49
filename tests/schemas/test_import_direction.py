"""Arrows point one way: tools → pipelines → annotators → schemas, and where pixels are decoded there is no Beam."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "schemas": set(),
    "data_cards": set(),
    "annotators": {"schemas"},
    "pipelines": {"annotators", "schemas", "data_cards"},
    "tools": {"pipelines", "annotators", "schemas", "data_cards"},
}
"""Room → the other rooms that it may import."""
BEAM = ("pipelines.engine.transforms", "pipelines.engine.launch", "pipelines.engine.options")
"""The modules that may name apache_beam; only the first at its top."""


def modules(room: str) -> dict[str, Path]:
    """Module name → file of every module of a room."""
    files = sorted((ROOT / room).rglob("*.py"))
    names = (file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__") for file in files)
    return dict(zip(names, files, strict=True))


ALL = {name: path for room in MAY_IMPORT for name, path in modules(room).items()}


def imported(name: str, path: Path, tree: ast.AST | None = None) -> Iterator[str]:
    """What a module imports, also inside functions, as absolute names (relative ones resolved)."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree or ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if f"{base}.{alias.name}" in ALL)


def rooms_and_others(name: str) -> set[str]:
    """The first part of all that a module imports."""
    return {found.split(".")[0] for found in imported(name, ALL[name])}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    found = {name: rooms_and_others(name) & (MAY_IMPORT.keys() - {room}) for name in modules(room)}
    assert len(found) > 1
    assert {name: wrong for name, rooms in found.items() if (wrong := rooms - MAY_IMPORT[room])} == {}


def test_nothing_imports_the_tests_or_the_examples() -> None:
    assert {name for name in ALL if rooms_and_others(name) & {"tests", "examples"}} == set()


def test_schemas_needs_pyarrow_and_numpy_and_nothing_else() -> None:
    third = {found for name in modules("schemas") for found in rooms_and_others(name)} - sys.stdlib_module_names
    assert third == {"pyarrow", "numpy", "schemas"}


def test_beam_is_named_in_three_modules_and_at_the_top_of_one() -> None:
    naming = {name for name in ALL if "apache_beam" in rooms_and_others(name)}
    assert naming <= set(BEAM)
    at_top = set()
    for name in naming:
        body = ast.parse(ALL[name].read_text()).body
        top = ast.Module([node for node in body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        if any(found.split(".")[0] == "apache_beam" for found in imported(name, ALL[name], top)):
            at_top.add(name)
    assert at_top == {"pipelines.engine.transforms"}


def loaded_by(*names: str) -> set[str]:
    """The top-level modules in a fresh interpreter that imported some modules."""
    program = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]): importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(names)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_what_runs_in_the_decode_child_imports_no_beam() -> None:
    """Readers, annotators, and the modules whose functions are given to `supervised`."""
    giving = [
        name for name in modules("pipelines") if any(f == "pipelines.engine.supervise" for f in imported(name, ALL[name]))
    ]
    assert {"pipelines.stages.ingest", "pipelines.stages.asking", "pipelines.release.check"} <= set(giving)
    own = [
        "pipelines.engine.supervise",
        "pipelines.stages.reading",
        "pipelines.io.video",
        *giving,
        *modules("pipelines/sources"),
    ]
    found = loaded_by(*own, *modules("annotators"))
    assert {"pipelines", "annotators", "schemas"} <= found
    assert "apache_beam" not in found


def test_the_command_starts_without_beam_and_without_datasets() -> None:
    found = loaded_by("tools.cli")
    assert "typer" in found
    assert found.isdisjoint({"apache_beam", "datasets", "torch", "label_studio_sdk", "playwright"})


def test_schemas_alone_loads_none_of_our_other_rooms() -> None:
    found = loaded_by(*modules("schemas"))
    assert found & MAY_IMPORT.keys() == {"schemas"}


def test_the_rule_sees_an_import_that_goes_upwards(tmp_path: Path) -> None:
    file = tmp_path / "upward.py"
    file.write_text("from .. import tables\nfrom ..types import Column\ndef f():\n    import pipelines.io.store\n")
    found = set(imported("schemas.layers.upward", file))
    assert found == {"schemas", "schemas.tables", "schemas.types", "pipelines.io.store"}
