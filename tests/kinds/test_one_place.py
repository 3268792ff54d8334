"""What differs between kinds of answer stands in kinds/ and settings/: no other file asks of which kind one is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from trimtab.data import example
from trimtab.kinds import prediction
from trimtab.settings import answers
from trimtab.settings.answers import ANSWERS

SOURCE = Path(answers.__file__).parents[1]
ALLOWED = ("kinds", "settings")
# Reads reports of earlier versions, in which a word tells the kind.
OLDER = "reports/migrations.py"


def below(module: object, top: type) -> set[str]:
    """Names of the classes of a module that are of a kind of their own."""
    own = {name for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, top)}
    return own - {top.__name__}


KIND_CLASSES = {
    *(settings.__name__ for settings in ANSWERS.values()),
    *below(example, example.Example),
    *below(prediction, prediction.Prediction),
}


def names_in(node: ast.AST) -> set[str]:
    """Names that a class, a union or a tuple of them is made of."""
    return {part.id if isinstance(part, ast.Name) else part.attr for part in ast.walk(node)
            if isinstance(part, ast.Name | ast.Attribute)}  # fmt: skip


def strings_in(node: ast.AST) -> set[str]:
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def is_kind(node: ast.AST) -> bool:
    """Whether it is `answer.kind`, or a name that was given to it."""
    return (isinstance(node, ast.Attribute) and node.attr == "kind") or (
        isinstance(node, ast.Name) and node.id == "kind"
    )


def asks(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines that ask of which kind an answer, an example or a prediction is. A bare `assert` decides nothing."""
    asserted = {id(node.test) for node in ast.walk(tree) if isinstance(node, ast.Assert)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, asked]) if id(node) not in asserted:
                found = names_in(asked) & KIND_CLASSES
            case ast.Compare(left=left, comparators=others) if any(map(is_kind, [left, *others])):
                found = {word for side in [left, *others] for word in strings_in(side)} & set(ANSWERS)
            case ast.Compare(left=ast.Call(func=ast.Name(id="type")), comparators=others):
                found = {name for side in others for name in names_in(side)} & KIND_CLASSES
            case ast.MatchClass(cls=asked):
                found = names_in(asked) & KIND_CLASSES
            case ast.Match(subject=subject, cases=cases) if is_kind(subject):
                found = {word for case in cases for word in strings_in(case.pattern)} & set(ANSWERS)
            case _:
                continue
        if found:
            yield getattr(node, "lineno", 0), ", ".join(sorted(found))


def found_in(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [f"{path.relative_to(SOURCE)}:{line}: {what}" for line, what in asks(tree)]


FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path.relative_to(SOURCE).parts[0] not in ALLOWED]


def test_the_classes_of_kinds_are_known() -> None:
    assert set(ANSWERS) == {"label", "multilabel", "choice", "number", "tags", "span", "text"}
    assert {"LabelAnswer", "TextAnswer", "ChoiceExample", "TaggedExample", "LabelPrediction", "TagPrediction"} <= (
        KIND_CLASSES
    )
    assert not {"Example", "Prediction"} & KIND_CLASSES
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_other_file_asks_of_which_kind_an_answer_is(path: Path) -> None:
    if str(path.relative_to(SOURCE)) != OLDER:
        assert found_in(path) == []


@pytest.mark.parametrize(
    "code",
    [
        "x = isinstance(answer, TextAnswer)",
        "x = isinstance(answer, NumberAnswer | TagsAnswer)",
        "x = isinstance(answer, (str, answers.LabelAnswer))",
        "x = not isinstance(one, ChoiceExample)",
        "x = [a for a in found if isinstance(a, TagPrediction)]",
        "x = type(answer) is ChoiceAnswer",
        'x = task.answer.kind == "label"',
        'x = "tags" != answer.kind',
        'x = answer.kind in ("label", "choice")',
        'kind = answer.kind\nx = kind == "number"',
        "match answer:\n    case TextAnswer(stop=[]):\n        pass",
        'match answer.kind:\n    case "label" | "choice":\n        pass',
    ],
)
def test_every_way_to_ask_is_found(code: str) -> None:
    assert list(asks(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "x = isinstance(one, Example)",
        "x = isinstance(method, HeadSettings)",
        "assert isinstance(answer, LabelPrediction)",
        'x = way.kind == "tuned"',
        'x = name == "label"',
        "def f(answer: TextAnswer) -> TextPrediction: ...",
        "x = TextAnswer(stop=[])",
    ],
)
def test_what_does_not_ask_is_left_alone(code: str) -> None:
    assert not list(asks(ast.parse(code)))
