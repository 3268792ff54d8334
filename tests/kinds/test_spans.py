"""Spans: how rows are read and encoded, what is refused and settled, and that scores are those of the plain model."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from closeness import assert_near
from encoders import save_encoder
from span_rows import by_hand, settings
from trimtab.backbones.pretrained import load
from trimtab.data import Splits
from trimtab.data.example import SpanExample
from trimtab.data.records import Record
from trimtab.decoding.spans import BestSpan
from trimtab.errors import DataError, TaskError, TrimtabError
from trimtab.inference.request import Request
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import kind_of, template_of
from trimtab.kinds.prediction import SpanPrediction
from trimtab.kinds.spans import Spans
from trimtab.settings.file import make_task
from trimtab.training.criterion import Conditioned
from trimtab.training.head_criterion import HeadCriterion, SpanOutputs
from trimtab.training.targets import SpanTarget
from trimtab.tuning.prepare import encode

CONTEXT = "the plot is bad , 味道难吃 😀 and the cast cold"


def example(answer: str | None = "bad", context: str = CONTEXT, where: str = "r:1") -> SpanExample:
    fields = {"question": "what is bad ?", "context": context}
    if not answer:
        return SpanExample(fields, answer, where, context=context)
    at = context.find(answer)
    spans = ((at, at + len(answer)),) if at >= 0 else ()
    return SpanExample(fields, answer, where, context=context, references=(answer,), spans=spans)


def refusal(**content: Any) -> str:
    task = make_task({"answer": "span", **content})
    kind = kind_of(task.answer)
    with pytest.raises(TrimtabError) as caught:
        (kind.template if "text" in content.get("template", {}) else kind.check)(task)
    return str(caught.value)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """An encoder without a language-model head."""
    folder = save_encoder(tmp_path_factory.mktemp("encoder") / "bare", "bare")
    return folder, load(folder, tmp_path_factory.mktemp("cache"), name=str(folder), precision="float32")


@pytest.fixture(scope="module", params=["llama", "bare"])
def loaded(request: Any, bare: tuple[Path, Any], pretrained: Any, tiny_folder: Path) -> tuple[Path, Any]:
    return bare if request.param == "bare" else (tiny_folder, pretrained)


def bound_to(loaded: tuple[Path, Any], method: str = "head", **changes: Any) -> BoundTask:
    folder, pretrained = loaded
    answer = {"kind": "span", "longest": 3, "threshold": 0.0, **changes.pop("answer", {})}
    return bind(settings(folder, method, answer=answer, **changes), {}, pretrained, training=True)


# Rows, before a backbone is at hand.


def test_the_field_of_the_context() -> None:
    assert template_of(make_task({"answer": "span"})).fields == ("question", "context")
    for text, answer, expected in (
        ("{question} {passage}", "span", "passage"),
        ("{text}", "span", "text"),
        ("{title} {question} {context}", "span", "context"),
        ("{title} {q} {passage}", {"kind": "span", "context": "passage"}, "passage"),
    ):
        assert template_of(make_task({"answer": answer, "template": {"text": text}})).tagged == expected
    assert template_of(make_task({"answer": {"kind": "span", "context": "passage"}})).tagged == "passage"


def test_templates_that_will_not_do() -> None:
    assert refusal(template={"text": "{question} {a} {b}"}) == (
        "template.text has no field of the context ('context'): '{question} {a} {b}'. "
        "Put one {context} behind the question, or set answer.context to its field."
    )
    assert refusal(template={"text": "{context} {question} {context}"}) == (
        "template.text has more than one field of the context ('context'): '{context} {question} {context}'. "
        "Put one {context} behind the question, or set answer.context to its field."
    )
    assert refusal(template={"text": "{question} {context} {answer}"}) == (
        "template.text has an {answer} slot, and spans are read at the tokens themselves: "
        "'{question} {context} {answer}'. Take it out."
    )
    assert refusal(template={"chat": True}) == (
        "template.chat puts the answer behind the row, and spans are read within it. Set template.chat to false."
    )
    assert refusal(method="zero_shot") == (
        "method 'zero_shot' trains nothing, and spans are read by a layer that must be trained. "
        "Choose a method that trains, head or soft_prompt say."
    )
    assert refusal(labels=["a", "b"]).startswith("labels are given, and the answers of this task are spans.")


def test_a_causal_backbone_must_read_the_question_first(pretrained: Any, bare: tuple[Path, Any]) -> None:
    task = make_task({"answer": "span", "method": "head", "template": {"text": "{context}\n{question}"}})
    with pytest.raises(TaskError) as caught:
        kind_of(task.answer).check(task, pretrained)
    assert str(caught.value) == (
        "template.text puts 'question' behind 'context', whose tokens do not see it in a causal backbone. "
        "Put {question} before {context}, or choose an encoder, minilm-l6 say."
    )
    kind_of(task.answer).check(task, bare[1])
    both = make_task({"answer": "span", "method": "head", "template": {"text": "{question} {context} {question}"}})
    kind_of(both.answer).check(both, pretrained)


def test_rows_are_read_with_the_context_as_given() -> None:
    task = make_task({"answer": "span", "data": {"clean": ["whitespace"], "group": "page"}})
    kind = kind_of(task.answer)
    record = Record({"question": " who  ?", "context": "a  Bo ", "answers": ["Bo", "a"], "page": 3}, "r:1")
    read = kind.read(record, ("question", "context"), task.data, answered=True)
    assert read == SpanExample(
        {"question": "who ?", "context": "a  Bo "}, "Bo", "r:1", "3", "a  Bo ", ("Bo", "a"), ((3, 5), (0, 1))
    )
    asked = kind.read(record, ("question", "context"), task.data, answered=False)
    assert (asked.answer, asked.references, asked.context) == (None, (), "a  Bo ")
    none = kind.read(Record({**record.values, "answers": []}, "r:2"), ("question", "context"), task.data, answered=True)
    assert (none.answer, none.references, none.stratum) == ("", (), "no answer")
    assert kind.unread([record], ("question", "context"), task.data) == []
    moved = Record({**record.values, "answers": {"text": ["Bo"], "answer_start": [1]}}, "r:3")
    assert kind.unread([record, moved], ("question", "context"), task.data)[0].startswith("in 1 of 2 rows (r:3) an")


def test_rows_without_an_answer_are_told_from_rows_that_have_none() -> None:
    task = make_task({"answer": "span"})
    said = kind_of(task.answer).unanswered([Record({"answer": ""}, "r:1")], 3, ("question",), task.data)
    assert str(said) == (
        "r:1: no label in column 'answer' (1 of 3 rows has none). "
        "Write the answer, [] where the context has none, or leave the row out."
    )
    said = kind_of(task.answer).unanswered([Record({"x": 1}, "r:1")], 1, ("question",), task.data)
    assert str(said) == "r:1: no column 'answers' for the answer; the columns are x. Set data.label to one of them."


def test_what_is_settled_from_train() -> None:
    task = make_task({"answer": "span"})
    kind = kind_of(task.answer)
    found = kind.settled(task, [example("bad"), example("bad , 味道"), example(None)]).answer
    assert (found.longest, found.threshold) == (4, None)  # type: ignore[union-attr]
    found = kind.settled(task, [example("bad")]).answer
    assert (found.longest, found.threshold) == (1, 0.0)  # type: ignore[union-attr]
    own = make_task({"answer": {"kind": "span", "longest": 9, "threshold": 0.3}})
    assert kind_of(own.answer).settled(own, [example("bad")]) is own


def test_rows_without_an_answer_where_one_is_always_given_are_told_of() -> None:
    splits = Splits([], [example("bad"), example("")], [example("bad")])
    assert kind_of(make_task({"answer": {"kind": "span", "threshold": 0}}).answer).missed(splits, {}) == [
        "dev: 1 of 2 rows have no answer, and are given one all the same."
    ]
    assert kind_of(make_task({"answer": "span"}).answer).missed(splits, {}) == []


# Bound to a backbone.


@pytest.mark.parametrize("method", ["head", "soft_prompt"])
@pytest.mark.parametrize("context", [CONTEXT, "bad", ""])
def test_scores_are_those_of_the_plain_model(loaded: tuple[Path, Any], method: str, context: str) -> None:
    bound = bound_to(loaded, method)
    start = {name: torch.randn_like(x) for name, x in bound.method.initial(0).items()}
    [row] = bound.encode([example(None, context)])
    condition = bound.method.condition(start)
    criterion = HeadCriterion(SpanOutputs(3, 0.0, False), [target(bound, row, context)], [])
    given = Conditioned(bound.pretrained.backbone, [condition], [bound.prompt(condition, bound.pretrained.backbone)])
    with torch.no_grad():
        scores_W2 = by_hand(bound, loaded[0], start, "what is bad ?", context)
        loss = criterion.losses(given, [[0]])
    assert len(scores_W2) == len(row.read_at or ())
    assert_near(loss, F.cross_entropy(scores_W2.T, torch.tensor([0, 0])).reshape(1))


def target(bound: BoundTask, row: Any, context: str) -> SpanTarget:
    [made], _ = bound.kind.targets(bound, [row], [example("", context)], None)
    assert isinstance(made, SpanTarget)
    return made


def test_targets_say_where_the_answer_stands(loaded: tuple[Path, Any]) -> None:
    bound = bound_to(loaded)
    made, notes = encode(bound, [example("bad"), example("味道难吃"), example(""), example("nowhere"), example("😀")])
    found = [one for one in made if isinstance(one, SpanTarget)]
    assert [(one.start, one.end) for one in found] == [(4, 4), (6, 9), (0, 0), (10, 10)]
    assert [one.context[one.places[one.start - 1][0] : one.places[one.end - 1][1]] for one in found if one.start] == [
        "bad", "味道难吃", "😀",
    ]  # fmt: skip
    assert notes == ["1 answers have more tokens than answer.longest (3), and can never be given whole."]
    with pytest.raises(DataError) as caught:
        encode(bound, [example("nowhere")])
    assert str(caught.value) == (
        "r:1: no training row has an answer in its context. Raise data.limit, or add rows."
    )  # fmt: skip


def test_long_contexts_are_read_in_windows_that_share_tokens(loaded: tuple[Path, Any]) -> None:
    bound = bound_to(loaded, template={"max_tokens": 64})
    context = " ".join(f"w{i}" for i in range(120))
    [row] = bound.encode([example("w60", context)])
    assert len(row.windows) > 2
    read = [range(window.first, window.first + len(window.read_at or ()) - 1) for window in row.windows]
    assert (read[0].start, read[-1].stop) == (0, 120)
    assert all(a.stop > b.start for a, b in pairwise(read))
    assert all(len(window.ids) <= 64 for window in row.windows)
    made, notes = bound.kind.targets(bound, [row], [example("w60", context)], None)
    assert [one.goes_on for one in made if isinstance(one, SpanTarget)] == [False, *[True] * (len(made) - 1)]
    inside = [60 in own for own in read]
    for one, own, holds in zip(made, read, inside, strict=True):
        assert isinstance(one, SpanTarget)
        assert one.start == one.end == (60 - own.start + 1 if holds else 0)
    assert notes[0].startswith("1 of 1 training rows are too long for one row and are read in")


@pytest.mark.parametrize("row", range(3))
def test_dev_is_scored_over_windows_as_predictions_are(loaded: tuple[Path, Any], row: int) -> None:
    """The dev score's F1 is that of the answers that the kind gives to the same scores."""
    bound = bound_to(loaded, template={"max_tokens": 40}, answer={"threshold": 0.4})
    context = " ".join(f"w{i}" for i in range(40 * row + 3))
    asked = example("w1 w2", context)
    [encoded] = bound.encode([asked])
    made, _ = bound.kind.targets(bound, [encoded], [asked], 1)
    random = torch.Generator().manual_seed(row)
    logs = [torch.log_softmax(torch.randn(len(one.read_at), 2, generator=random), 0) for one in made]  # type: ignore[attr-defined]
    [score] = SpanOutputs(3, 0.4, False).scores(made, 1, enumerate(logs))  # type: ignore[arg-type]
    probabilities = np.concatenate([own.exp().numpy() for own in logs])
    answer = bound.kind.prediction(bound, asked, encoded, probabilities)
    words = answer.label.split()
    same = len(set(words) & {"w1", "w2"})
    assert score.accuracy == pytest.approx(2 * same / (len(words) + 2) if words else 0.0)
    losses = [-(own[one.start, 0] + own[one.end, 1]) / 2 for own, one in zip(logs, made, strict=True)]  # type: ignore[attr-defined]
    assert score.loss == pytest.approx(float(torch.stack(losses).mean()), rel=1e-5)


def test_what_is_written_of_an_answer() -> None:
    always, sometimes = (Spans(make_task({"answer": {"kind": "span", "threshold": t}}).answer) for t in (0, 0.4))  # type: ignore[arg-type]
    given = SpanPrediction("bad", 0, BestSpan((12, 15), 0.5, 0.125), (12, 15))
    none = SpanPrediction("", 0, BestSpan((12, 15), 0.1, 0.9), None)
    bound: Any = None
    assert always.record(bound, given) == {"text": "bad", "start": 12, "end": 15, "probability": 0.5}
    assert sometimes.record(bound, given) == {
        "text": "bad", "start": 12, "end": 15, "probability": 0.5, "share": 0.8,
    }  # fmt: skip
    assert sometimes.record(bound, none) == {
        "text": "", "start": None, "end": None, "probability": 0.9, "share": 0.1,
    }  # fmt: skip
    assert always.collected([given, none], []) == [(12, 15), ()]
    assert list(always.comparable([[12, 15], []])) == [(12, 15), ()]


def test_a_request_is_a_row_by_its_fields() -> None:
    kind = kind_of(make_task({"answer": "span"}).answer)
    asked = kind.example(Request("run", {"question": "?", "context": "a b"}, "here"))
    assert asked == SpanExample({"question": "?", "context": "a b"}, None, "here", context="a b")
