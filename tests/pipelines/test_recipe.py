"""A recipe: every fault ends in exit code 2, with file, line and remedy, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.errors import ConfigurationError
from pipelines.io.files import list_files
from pipelines.recipe import Recipe, load_recipe

SOUND = """\
name: test
license: cc0-1.0
workspace: out
sources:
  - {name: lift, reader: lerobot, uri: data/lift, license: mit}
  - {name: puzzles, reader: braingridgame, uri: "data/*.json", license: mit}
annotators: [arc.noop]
"""

Load = Callable[..., Recipe]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load(text)`: the recipe of a text, written to recipe.yaml of the test's folder."""

    def loaded(text: str | bytes, folder: Path = tmp_path) -> Recipe:
        folder.mkdir(exist_ok=True)
        path = folder / "recipe.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_recipe(path)

    return loaded


def with_source(line: str) -> str:
    return SOUND.replace("  - {name: lift, reader: lerobot, uri: data/lift, license: mit}", f"  - {line}")


REVIEW = SOUND + "review:\n  projects:\n    - {name: clips, view: robot_language, layers: [primitive_skill, subtask]}\n"
FAULTS: dict[str, tuple[str | bytes, int, str]] = {
    "an unknown view": (REVIEW.replace("robot_language", "robot_talk"), 10, "no view 'robot_talk'; there are robot_language"),
    "an unknown layer": (REVIEW.replace("subtask", "subtusk"), 10, "no layer 'subtusk'; declared are"),
    "a layer of another view": (REVIEW.replace("subtask", "contact"), 10, "layer 'contact' is reviewed in robot_contact"),
    "two projects of one name": (REVIEW + REVIEW.splitlines()[-1] + "\n", 9, "'clips' is named twice"),
    "a review of nothing": (SOUND + "review: {projects: []}\n", 8, "at least 1 item"),
    "a threshold above one": (REVIEW.replace("]}", "], agreement: {segments: 1.5}}"), 10, "should be between 0 and 1"),
    "a kind that does not exist": (REVIEW.replace("]}", "], agreement: {segment: 1}}"), 10, "no kind 'segment'"),
    "a token in the recipe": (REVIEW + "  server: {url: 'http://x', media: m, token: abc}\n", 11, "token is no key here"),
    "a missing key": (SOUND.replace("license: cc0-1.0\n", ""), 1, "license is missing: add it"),
    "a missing key of a source": (with_source("{name: lift, reader: lerobot, uri: x}"), 5, "sources.0.license is missing"),
    "a misspelt key": (SOUND.replace("workspace", "workspce"), 3, "did you mean 'workspace'?"),
    "a misspelt key of a source": (with_source("{name: a, reder: lerobot, uri: x, license: mit}"), 5, "did you mean 'reader'?"),
    "a key like no other": (SOUND + "zzzzzzz: 1\n", 8, "zzzzzzz is no key here: remove it"),
    "a key that only code sets": (SOUND + "folder: /\n", 8, "folder is no key here: remove it"),
    "a key that is no text": (SOUND + "1: 2\n", 8, "should be strings"),
    "a key that stands twice": (SOUND + "name: other\n", 8, "name stands here twice: keep one"),
    "a wrong type": (SOUND.replace("workspace: out", "workspace: [out]"), 3, "should be a valid string"),
    "a mapping where a list belongs": (SOUND.replace("[arc.noop]", "{arc.noop: 1}"), 7, "should be a valid list"),
    "two sources of one name": (SOUND.replace("puzzles", "lift"), 4, "'lift' is named twice; give each a name of its own"),
    "two annotators of one name": (SOUND.replace("[arc.noop]", "[arc.noop, arc.noop]"), 7, "'arc.noop' is named twice"),
    "no source": (SOUND.split("sources:")[0] + "sources: []\n", 4, "at least 1 item"),
    "a name with a slash": (SOUND.replace("name: lift", "name: a/b"), 5, "should match pattern"),
    "an unknown reader": (SOUND.replace("lerobot", "lerobt"), 5, "no reader 'lerobt'; there are agentnet, arc"),
    "an unknown option": (
        with_source("{name: a, reader: braingridgame, uri: x, license: mit, options: {colour: 1}}"), 5,
        "option colour: Extra inputs are not permitted; braingridgame takes agent_type",
    ),
    "an option of another type": (
        with_source("{name: a, reader: braingridgame, uri: x, license: mit, options: {agent_type: 3}}"), 5, "option agent_type",
    ),
    "an unknown annotator": (SOUND.replace("arc.noop", "arc.nope"), 7, "no annotator 'arc.nope'; there are arc."),
    "an unknown parameter": (
        SOUND.replace("arc.noop", "{name: robot.motion_segments, parameters: {still: 1}}"), 7,
        "robot.motion_segments has no parameter 'still'; it has assumed_fps",
    ),
    "a parameter of another type": (
        SOUND.replace("arc.noop", "{name: robot.motion_segments, parameters: {moving: much}}"), 7,
        "parameter moving (found 'much'): Input should be a valid number",
    ),
    "a parameter out of its words": (
        SOUND.replace("arc.noop", "{name: robot.motion_segments, parameters: {larger_is: up}}"), 7,
        "larger_is is 'up'; it is open or close",
    ),
    "ratios that do not sum to 1": (
        SOUND + "release: {splits: {train: 0.8, test: 0.1}}\n", 8, "train + validation + test is 0.9, should be 1",
    ),
    "a ratio above 1": (SOUND + "max_reject_ratio: 5\n", 8, "less than or equal to 1 (found 5)"),
    "a version without a patch": (SOUND + "release: {version: '1.0'}\n", 8, "should match pattern"),
    "a version that is a number": (SOUND + "release: {version: 1.0}\n", 8, "should be a valid string (found 1.0)"),
    "a repository without an owner": (SOUND + "release: {repo_id: name}\n", 8, "should match pattern"),
    "a bound of nothing": (SOUND + "shards: {steps: 0}\n", 8, "greater than 0 (found 0)"),
    "two revisions": (
        with_source("{name: a, reader: lerobot, uri: 'hf://datasets/o/n@v1', revision: v2, license: mit}"), 5,
        "uri says revision 'v1' and revision says 'v2': keep one",
    ),
    "no YAML": (SOUND + "annotators: [", 8, "not YAML"),
    "a date that is none": (SOUND.replace("test", "2024-13-45"), 1, "not YAML (month must be in 1..12)"),
    "a tag of another program": (SOUND.replace("test", "!!python/name:os.system"), 1, "not YAML"),
    "no mapping": ("- a\n", 1, "a recipe begins with `name:`"),
    "an empty file": ("", 1, "a recipe begins with `name:`"),
    "no UTF-8": (SOUND.encode() + b"# \xff\n", 8, "save the file as UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_said_with_its_line_and_the_remedy(load: Load, tmp_path: Path, what: str) -> None:
    text, line, remedy = FAULTS[what]
    with pytest.raises(ConfigurationError) as error:
        load(text)
    assert error.value.exit_code == 2
    assert remedy in str(error.value)
    assert (
        str(error.value)
        .splitlines()[0 if remedy in str(error.value).splitlines()[0] else 1]
        .startswith(f"{tmp_path}/recipe.yaml:{line}: ")
    )


def test_all_faults_are_said_at_once(load: Load) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(SOUND.replace("license: cc0-1.0\n", "").replace("lerobot", "lerobt") + "name: b\n")
    assert [line.split("recipe.yaml:")[1].split(":")[0] for line in str(error.value).splitlines()] == ["7", "1", "4"]


def test_a_recipe_that_is_not_there_is_said_with_the_remedy(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigurationError, match="give the path of a recipe file") as error:
            load_recipe(path)
        assert error.value.exit_code == 2


def test_paths_are_relative_to_the_recipe(load: Load, tmp_path: Path) -> None:
    recipe = load(SOUND)
    assert [source.uri for source in recipe.resolved_sources] == [f"{tmp_path}/data/lift", f"{tmp_path}/data/*.json"]
    assert recipe.workspace_uri == f"{tmp_path}/out"


def test_absolute_paths_and_uris_stay(load: Load) -> None:
    recipe = load(SOUND.replace("data/lift", "/data/lift/").replace('"data/*.json"', "s3://b/x").replace("out", "memory://w/"))
    assert [source.uri for source in recipe.resolved_sources] == ["/data/lift", "s3://b/x"]
    assert recipe.workspace_uri == "memory://w"


@pytest.mark.parametrize("name", ["[1] set", "what?", "all*", "a[b]c", "säe"])
def test_glob_characters_in_the_folders_own_name_stand_for_themselves(load: Load, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "x.json").write_text("{}")
    for other in ("1 set", "whatx", "allx", "abc"):  # what the name would match as a pattern
        (tmp_path / other / "data").mkdir(parents=True)
        (tmp_path / other / "data" / "wrong.json").write_text("{}")
    recipe = load(SOUND.replace("data/lift", "data"), folder)
    assert recipe.workspace_uri == f"{folder}/out"
    for source in recipe.resolved_sources:
        (file,) = list_files(source.uri)
        assert file.name == "x.json"
        assert file.uri == f"file://{folder}/data/x.json"


@pytest.mark.parametrize(
    ("uri", "revision", "at", "said"),
    [
        ("hf://datasets/o/n", None, "hf://datasets/o/n", None),
        ("hf://datasets/o/n", "v2.1", "hf://datasets/o/n@v2.1", "v2.1"),
        ("hf://datasets/o/n/data/*.json", "main", "hf://datasets/o/n@main/data/*.json", "main"),
        ("hf://datasets/o/n@v2.1/data", None, "hf://datasets/o/n@v2.1/data", "v2.1"),
        ("hf://datasets/o/n@v2.1", "v2.1", "hf://datasets/o/n@v2.1", "v2.1"),
        ("hf://datasets/o/n", "refs/pr/1", "hf://datasets/o/n@refs%2Fpr%2F1", "refs/pr/1"),
        ("s3://bucket/x", "2024-01", "s3://bucket/x", "2024-01"),
    ],
)
def test_a_hub_source_is_read_at_its_revision_and_says_so(
    load: Load, uri: str, revision: str | None, at: str, said: str | None
) -> None:
    line = f"{{name: a, reader: lerobot, uri: '{uri}', license: mit{f', revision: {revision!r}' if revision else ''}}}"
    source = load(with_source(line)).resolved_sources[0]
    assert (source.uri, source.revision) == (at, said)


def test_ratios_that_are_not_named_are_0_once_one_is_named(load: Load) -> None:
    assert load(SOUND + "release: {splits: {train: 1}}\n").release.splits.ratios == {"train": 1, "validation": 0, "test": 0}
    assert load(SOUND).release.splits.ratios == {"train": 0.9, "validation": 0.05, "test": 0.05}


def test_a_sources_own_ratio_of_rejects_wins(load: Load) -> None:
    recipe = load(SOUND.replace("reader: lerobot", "max_reject_ratio: 0, reader: lerobot") + "max_reject_ratio: 0.5\n")
    assert (recipe.reject_ratio("lift"), recipe.reject_ratio("puzzles")) == (0, 0.5)


def test_an_annotator_has_the_parameters_of_the_recipe(load: Load) -> None:
    (found,) = load(
        SOUND.replace("arc.noop", "{name: robot.motion_segments, parameters: {moving: 1, gripper_words: [hand]}}")
    ).resolved_annotators
    assert (vars(found)["moving"], vars(found)["gripper_words"]) == (1.0, ("hand",))
    assert hash(found) != 0  # a list would not be hashable
