"""Read, check and write task files and corpus files. Knows nothing about what the settings mean.

Settings are declared in this room's other files; here they meet YAML, overrides from the command line, and people's
typing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from trimtab.errors import TaskError, did_you_mean
from trimtab.settings.answers import ANSWERS
from trimtab.settings.corpus import MODELS, Corpus
from trimtab.settings.methods import METHODS
from trimtab.settings.task import LabelSettings, Task

# Groups whose settings depend on what one of them, the tag, says: its name, what it is called, and each tag's settings.
TAGGED: dict[str, tuple[str, str, Mapping[str, type[BaseModel]]]] = {
    "method": ("name", "method", METHODS),
    "answer": ("kind", "kind of answer", ANSWERS),
}


@dataclass(frozen=True)
class _Sort:
    """A sort of file of settings: what it is called, its settings, its groups as in `TAGGED`, and what explains it.

    `bare` says which setting of a group a bare word stands for.
    """

    name: str
    settings: type[BaseModel]
    tagged: Mapping[str, tuple[str, str, Mapping[str, type[BaseModel]]]]
    bare: Mapping[str, str]
    page: str
    missing: str


_TASK = _Sort(
    "task", Task, TAGGED, {"method": "name", "answer": "kind"}, "docs/task-file.md",
    "Give a task file; examples/ holds some to start from.",
)  # fmt: skip
_CORPUS = _Sort(
    "corpus", Corpus, {"model": ("kind", "kind of model", MODELS)}, {"model": "kind", "tokenizer": "kind"},
    "docs/pretraining.md", "Give a corpus file.",
)  # fmt: skip
_Made = TypeVar("_Made", bound=BaseModel)

# What PyYAML raises: also of a value that is not what its tag says (`!!int x`), and where it is nested too deeply.
# How the name of a task file ends.
TASK_FILES = (".yaml", ".yml")
_NOT_YAML = (yaml.YAMLError, ValueError, LookupError, RecursionError)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 whose plain words are text wherever they may be labels: `yes`, `off`, `08`, `1:30`, `1e3`, `2024-01-01`.

    ruamel.yaml reads 1.2 by itself, but `08` and `1e3` as numbers, which stand as labels in runs that are on disk.
    """

    # No text is what the loop below names: by YAML 1.2 (10.3.2), but nothing that PyYAML writes for a text.
    yaml_implicit_resolvers = {"<": [("tag:yaml.org,2002:merge", re.compile("^<<$"))]}  # noqa: RUF012  (as in the parent)

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A node; an error where it is nested more deeply than what walks over settings can follow."""
        if self._depth > _DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(None, None, "it is nested too deeply", mark)
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping; a name that stands twice is an error, not the last word."""
        seen = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{name}' stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


# Settings whose lists and mappings hold people's own words, which are what was written: `010`, `1.50`, `null`.
_WORDS = {
    ("labels",), ("labels", "words"), ("rules",), ("data", "columns"), ("answer", "options"), ("answer", "stop"),
    ("answer", "tags"), ("answer", "columns"), ("answer", "thresholds"), ("answer", "one_of"),
}  # fmt: skip
_TEXT, _BOOL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:bool"


def _load(text: str, under: Sequence[str] = ()) -> Any:
    """The value of a YAML text; `under` names the setting that it is for. Raises what `_NOT_YAML` lists."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        _keep_words(node, tuple(under))
        return loader.construct_document(node)
    finally:
        loader.dispose()


# Far more than any task file needs, and few enough that what walks over settings (repr, pydantic, YAML) can.
_DEEPEST, _MOST_VALUES = 64, 1_000_000


def _check_size(root: yaml.Node) -> None:
    """Refuse aliases that stand for themselves or for millions of values.

    Raises:
        ConstructorError: with the place.
    """
    sizes: dict[int, int | None] = {}

    def size(node: yaml.Node) -> int:
        if id(node) in sizes:
            known = sizes[id(node)]
            if known is None:
                raise _unfit(node, "an alias stands within what it stands for")
            return known
        sizes[id(node)] = None
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inner = node.value
        elif isinstance(node, yaml.MappingNode):
            inner = [one for pair in node.value for one in pair]
        found = 1 + sum(size(one) for one in inner)
        if found > _MOST_VALUES:
            raise _unfit(node, "its aliases stand for more than a million values")
        sizes[id(node)] = found
        return found

    size(root)


def _unfit(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _keep_words(node: yaml.Node, path: tuple[str, ...]) -> None:
    """Make text of the words of people's own in the value of the setting `path`."""
    entry = path[:-1] in _WORDS and not (path[:-1] == ("labels",) and path[-1] in LabelSettings.model_fields)
    if entry or (isinstance(node, yaml.SequenceNode) and path in _WORDS):
        _keep_texts(node)
    elif isinstance(node, yaml.MappingNode):
        names = {str(key.value) for key, _ in node.value}
        short = path == ("labels",) and not names <= set(LabelSettings.model_fields)
        for key, value in node.value:
            switch = key.value == "length_normalise" and value.tag == _BOOL
            if (path in _WORDS and path != ("labels",)) or (short and not switch):
                _as_text(key)
                _keep_texts(value)
            else:
                _keep_words(value, (*path, str(key.value)))


def _keep_texts(node: yaml.Node) -> None:
    """Make text of a scalar, or of all scalars in a collection."""
    match node:
        case yaml.SequenceNode():
            for item in node.value:
                _keep_texts(item)
        case yaml.MappingNode():
            for key, value in node.value:
                _as_text(key)
                _keep_texts(value)
        case _:
            _as_text(node)


def _as_text(node: yaml.Node) -> None:
    """Take a plain scalar for the text that was written; nothing at all, and a merge, stay what they are."""
    if isinstance(node, yaml.ScalarNode) and node.style is None and node.value and not node.tag.endswith(":merge"):
        node.tag = _TEXT


_WHOLE = "[-+]?(?:0|[1-9][0-9]*)"
_EXPONENT = "(?:[eE][-+][0-9]+)?"
for _tag, _pattern, _first in (
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", "true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", _WHOLE, [*"-+0123456789"]),
    (
        "float",
        rf"{_WHOLE}\.[0-9]*{_EXPONENT}|\.[0-9]+{_EXPONENT}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        [*"-+.0123456789"],
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def read_task(path: Path | str, overrides: Sequence[str] = (), on_note: Callable[[str], None] | None = None) -> Task:
    """Read a task file and apply overrides.

    Args:
        path: a YAML file.
        overrides: `setting.name=value`, the value in YAML.
        on_note: told of a setting that an override takes the place of though it has another name.

    Raises:
        TaskError: if the file cannot be read, or a setting is unknown (the nearest is named) or out of bounds.
    """
    content = _content(Path(path), _TASK)
    for override in overrides:
        _override(content, override, _TASK)
        given_up = _take_its_place(content, override.partition("=")[0].strip())
        if given_up and on_note:
            on_note(f"{given_up} is given up for --set {override}.")
    return make_task(content, str(path))


def read_corpus(path: Path | str, overrides: Sequence[str] = ()) -> Corpus:
    """Read a corpus file and apply overrides, as `read_task` does."""
    content = _content(Path(path), _CORPUS)
    for override in overrides:
        _override(content, override, _CORPUS)
        _take_its_place(content, override.partition("=")[0].strip())
    return _made(Corpus, content, str(path), _CORPUS)


def _content(path: Path, sort: _Sort) -> dict[str, object]:
    """What a file of settings holds, unchecked. Raises TaskError."""
    try:
        content = _load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise TaskError(f"{path}: no such file.", sort.missing) from None
    except IsADirectoryError:
        resumed = (path / f"{sort.name}.yaml").is_file() and sort is _TASK
        hint = "Add --resume to go on with a run folder." if resumed else f"Give a {sort.name} file."
        raise TaskError(f"{path}: a folder, expected a {sort.name} file.", hint) from None
    except OSError as error:
        raise TaskError(f"{path}: cannot be read ({error.strerror}).", "Check the file and its path.") from None
    except UnicodeDecodeError as error:
        raise TaskError(f"{path}: byte {error.start} is not valid UTF-8.", "Save the file as UTF-8.") from None
    except _NOT_YAML as error:
        raise _not_yaml(path, error) from None
    if not isinstance(content, dict):
        raise TaskError(f"{path}: a {sort.name} file holds settings, `name: value` a line.", f"See {sort.page}.")
    return content


def _not_yaml(path: Path, error: Exception) -> TaskError:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or " ".join(str(error).split())
    if isinstance(error, RecursionError):
        what = "it is nested too deeply"
    where = f"{path}:{mark.line + 1}" if mark else str(path)
    return TaskError(f"{where}: not valid YAML: {what}.", "Check indentation, quotes and names.")


def make_task(content: Mapping[str, object], where: str = "task") -> Task:
    """Validate settings given as a dictionary; `where` begins the messages. Raises TaskError."""
    return _made(Task, content, where, _TASK)


def _made(settings: type[_Made], content: Mapping[str, object], where: str, sort: _Sort) -> _Made:
    try:
        return settings.model_validate(content)
    except ValidationError as error:
        found = error.errors()  # an unknown name says more than that another is missing
        first = next((fault for fault in found if fault["type"] == "extra_forbidden"), found[0])
        location = [p for i, p in enumerate(first["loc"]) if not (i == 1 and first["loc"][0] in sort.tagged)]
        name = ".".join(str(part) for part in location)
        if first["type"] == "union_tag_invalid":
            tag, (_, what, known_tags) = str(first["ctx"]["tag"]), sort.tagged[str(first["loc"][0])]
            raise TaskError(
                f"{where}: unknown {what} '{tag}'.", did_you_mean(tag, known_tags) or f"Known: {', '.join(known_tags)}."
            ) from None
        if first["type"] == "extra_forbidden":
            known = _settings_at(first["loc"][:-1], sort)
            near = did_you_mean(str(first["loc"][-1]), known)
            raise TaskError(f"{where}: unknown setting '{name}'.", near or f"Known here: {', '.join(known)}.") from None
        if first["type"] == "missing":
            raise TaskError(f"{where}: {name} is not set.", f"See {sort.page}.") from None
        kind = first["type"] in ("model_type", "dict_type")
        what = "expected settings, `name: value` a line" if kind else first["msg"]
        raise TaskError(f"{where}: {name}: {what} (found {_shown(first['input'])}).", f"See {sort.page}.") from None


def _shown(value: object) -> str:
    """A value as Python writes it, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, a list of lists of lists
        return f"a value of type {type(value).__name__} too large to show"
    return text if len(text) <= 200 else f"{text[:200]}..."


def dump_task(task: Task | Corpus) -> str:
    """A task, or a corpus, as YAML, every setting written out."""
    return yaml.safe_dump(task.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def _override(content: dict[str, object], override: str, sort: _Sort) -> None:
    name, equals, text = override.partition("=")
    if not equals or not name:
        raise TaskError(f"--set {override}: expected setting=value.", "For example --set train.epochs=3.")
    *parents, last = name.strip().split(".")
    place = content
    for parent in parents:
        inner = place.get(parent) or {}
        if len(parents) == 1 and parent in sort.bare and isinstance(inner, str):
            inner = {sort.bare[parent]: inner}
        place[parent] = inner
        if not isinstance(inner, dict):
            raise TaskError(f"--set {override}: '{parent}' is not a group of settings.", f"See {sort.page}.")
        place = inner
    try:
        place[last] = _load(text, (*parents, last))
    except _NOT_YAML:
        place[last] = text


# Settings of a group of which each takes the place of the other.
_EITHER = {"train.epochs": "train.steps", "train.steps": "train.epochs"}


def _take_its_place(content: dict[str, object], name: str) -> str:
    """Take out what the setting `name`, just overridden, stands in the place of; return it as `name: value`, or ""."""
    other = _EITHER.get(name)
    group, _, last = name.partition(".")
    place = content.get(group)
    if other is None or not isinstance(place, dict) or place.get(last) is None:
        return ""
    value = place.pop(other.partition(".")[2], None)
    return "" if value is None else f"{other}: {_shown(value)}"


def _settings_at(location: Sequence[object], sort: _Sort) -> list[str]:
    """Names of the settings of a group, given as pydantic tells its place; of a method's own under its name."""
    if location and location[0] in sort.tagged:
        return list(sort.tagged[str(location[0])][2][str(location[1])].model_fields)
    model = sort.settings
    for part in location:
        inner = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
