"""Requests come and go at any step, and each gets what it would get alone, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters import moved_run
from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import RunError, TaskError
from trimtab.inference import text_group
from trimtab.inference.engine import Engine
from trimtab.inference.pieces import Piece
from trimtab.inference.request import Request
from trimtab.inference.scheduler import Scheduler
from trimtab.inference.tickets import Answered, CancelledError, Event, Failed, LateError, QueueFullError, Ticket
from trimtab.kinds.prediction import LabelPrediction, TextPrediction
from trimtab.settings.answers import TextAnswer
from trimtab.settings.file import make_task

WORDS = {"negative": ["bad"], "positive": ["good"]}
SOFT, LORA = {"name": "soft_prompt", "length": 3}, {"name": "lora", "rank": 2}
TEXT = {"kind": "text", "max_tokens": 6}
ROWS = ["a good film", "bad", "the film was long and not so very bad", "good good good"]
DRAWN = TextAnswer(max_tokens=9, temperature=0.8, answers=3, seed=5)
BEAMS = TextAnswer(max_tokens=7, beams=3, answers=2)


@pytest.fixture(scope="module")
def engine(pretrained: Pretrained) -> Engine:
    made = Engine(pretrained)
    for name, method, seed in (("soft", SOFT, 1), ("other", SOFT, 2), ("lora", LORA, 3)):
        labels = make_task({"backbone": "tiny", "method": method, "labels": WORDS})
        made.add(name, moved_run(pretrained, labels, WORDS, seed))
        texts = make_task({"backbone": "tiny", "method": method, "answer": TEXT})
        made.add(f"say {name}", moved_run(pretrained, texts, {}, seed))
    return made


def request(run: str, row: int, decoding: TextAnswer | None = None, **more: Any) -> Request:
    return Request(run, {"text": ROWS[row % len(ROWS)]}, decoding=decoding, **more)


def mixed() -> list[Request]:
    """Labels and texts, one and several of them, drawn and by beams, prompts and adapters."""
    out = [request(name, i) for i in range(4) for name in ("soft", "say soft", "lora", "say other", "say lora")]
    out += [request(name, i, how) for i, how in enumerate([DRAWN, BEAMS, DRAWN]) for name in ("say soft", "say lora")]
    return out


def values(prediction: Any) -> Any:
    if isinstance(prediction, TextPrediction):
        return [written.ids for written in prediction.texts]
    assert isinstance(prediction, LabelPrediction)
    return round(prediction.probabilities["positive"], 4)


def run_out(scheduler: Scheduler) -> None:
    for _ in range(500):
        if not scheduler.step():
            return
    raise AssertionError("it does not come to an end")


def answer(ticket: Ticket) -> Any:
    assert isinstance(ticket.end, Answered), ticket.end
    return values(ticket.end.prediction)


@pytest.mark.parametrize("every", [0, 1, 3])
def test_requests_that_join_at_any_step_are_answered_as_alone(engine: Engine, every: int) -> None:
    requests = mixed()
    expected = [values(engine.answer([one])[0]) for one in requests]
    scheduler = Scheduler(engine)
    tickets = []
    for one in requests:
        tickets.append(scheduler.submit(one))
        for _ in range(every):
            scheduler.step()
    run_out(scheduler)
    assert [answer(ticket) for ticket in tickets] == expected
    assert [values(found) for found in engine.answer(requests)] == expected
    assert scheduler.waiting == scheduler.running == 0


def test_nothing_is_held_of_requests_that_have_ended(engine: Engine) -> None:
    """While one text goes on, others come and go in the same passes."""
    scheduler = Scheduler(engine)
    scheduler.submit(request("say soft", 0, TextAnswer(max_tokens=40, min_tokens=40)))
    for i in range(20):
        scheduler.submit(request("say soft", i))
        scheduler.step()
        [group] = scheduler._writings.values()
        assert len(group._said) == scheduler.running < 9
    run_out(scheduler)
    assert not scheduler._writings
    assert not scheduler._served


def test_little_room_is_enough(engine: Engine) -> None:
    requests = mixed()
    scheduler = Scheduler(engine, tokens=1)
    tickets = [scheduler.submit(one) for one in requests]
    most = 0
    while scheduler.step():
        most = max(most, scheduler.running)
    assert most == 1
    assert [answer(ticket) for ticket in tickets] == [values(found) for found in engine.answer(requests)]


def test_pieces_and_likelihoods_come_as_the_text_is_said(engine: Engine) -> None:
    told: list[Event] = []
    scheduler = Scheduler(engine)
    ticket = scheduler.submit(request("say soft", 2, DRAWN, top_logprobs=2), tell=told.append)
    run_out(scheduler)
    assert isinstance(ticket.end, Answered)
    assert told[-1] is ticket.end
    pieces = [event for event in told if isinstance(event, Piece)]
    prediction = ticket.end.prediction
    assert isinstance(prediction, TextPrediction)
    for k, written in enumerate(prediction.texts):
        own = [piece for piece in pieces if piece.answer == k]
        assert "".join(piece.text for piece in own) == written.text
        assert tuple(token for piece in own for token in piece.ids) == written.ids
        likelihoods = [value for piece in own for value in piece.log_likelihoods]
        assert len(likelihoods) == len(written.ids)
        tops = [top for piece in own for top in piece.tops]
        assert all(len(top) == 2 and top[0][1] >= top[1][1] for top in tops)
        assert all(top[0][1] >= value - 1e-6 for top, value in zip(tops, likelihoods, strict=True))
        ending = 0 if written.ended == "length" else written.log_likelihood - sum(likelihoods)
        assert written.log_likelihood == pytest.approx(sum(likelihoods) + ending)
    assert ticket.answer_tokens == sum(len(written.ids) for written in prediction.texts)
    assert ticket.cached_tokens == 3 + len(engine.runs["say soft"].encoder.head_ids)
    assert ticket.prompt_tokens > ticket.cached_tokens


def test_what_is_taken_back_leaves_and_nobody_else_notices(engine: Engine) -> None:
    requests = [request("say soft", i, DRAWN) for i in range(4)]
    expected = [values(found) for found in engine.answer(requests)]
    scheduler = Scheduler(engine)
    tickets = [scheduler.submit(one) for one in requests]
    for _ in range(3):
        scheduler.step()
    waiting = scheduler.submit(request("soft", 0))
    for ticket in (tickets[1], waiting):
        scheduler.cancel(ticket)
    run_out(scheduler)
    for ticket in (tickets[1], waiting):
        assert isinstance(ticket.end, Failed)
        assert isinstance(ticket.end.error, CancelledError)
        assert str(ticket.end.error) == "the request was taken back."
    assert [answer(ticket) for i, ticket in enumerate(tickets) if i != 1] == [*expected[:1], *expected[2:]]


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_deadlines(engine: Engine) -> None:
    clock = Clock()
    scheduler = Scheduler(engine, clock=clock)
    said = scheduler.submit(request("say soft", 1, DRAWN), deadline=2.0)
    in_time = scheduler.submit(request("say soft", 2), deadline=9.0)
    scheduler.step()
    clock.now = 1.5
    waited = scheduler.submit(Request("soft", {"text": "good"}, "row 7"), deadline=1.75)
    clock.now = 2.0
    run_out(scheduler)
    for ticket, message in (
        (said, "input: no answer by the deadline, after 2.0 s. Allow more time, or ask for less."),
        (waited, "row 7: no answer by the deadline, after 0.5 s. Allow more time, or ask for less."),
    ):
        assert isinstance(ticket.end, Failed)
        assert isinstance(ticket.end.error, LateError)
        assert str(ticket.end.error) == message
    assert (said.submitted, said.begun, said.ended) == (0.0, 0.0, 2.0)
    assert isinstance(in_time.end, Answered)


def test_a_full_queue_refuses_and_what_waits_is_answered(engine: Engine) -> None:
    scheduler = Scheduler(engine, waiting=2)
    tickets = [scheduler.submit(request("soft", i)) for i in range(2)]
    assert scheduler.waiting == 2
    with pytest.raises(QueueFullError) as refused:
        scheduler.submit(request("other", 0))
    assert str(refused.value) == "2 requests wait already. Ask again in a moment."
    run_out(scheduler)
    assert all(isinstance(ticket.end, Answered) for ticket in tickets)
    scheduler.submit(request("other", 0))


def test_what_cannot_be_answered_is_refused_at_once(engine: Engine) -> None:
    scheduler = Scheduler(engine)
    context = engine.pretrained.backbone.context
    before = engine.runs["say soft"].encoder.head_ids
    row = engine.runs["say soft"].asked(request("say soft", 1)).ids
    room = context - 3 - len(before) - len(row)
    with pytest.raises(TaskError) as refused:
        scheduler.submit(request("say soft", 1, TextAnswer(max_tokens=room + 1)))
    assert str(refused.value) == (
        f"input: an answer of {room + 1} tokens behind {context - room} does not fit into the backbone's context of "
        f"{context}. Ask for max_tokens of {room} at most."
    )
    with pytest.raises(RunError):
        scheduler.submit(request("nothing", 0))
    with pytest.raises(TaskError) as missing:
        scheduler.submit(Request("soft", {"texts": "good"}, "row 3"))
    assert str(missing.value) == "row 3: no field 'text'. Did you mean 'texts'?"
    assert scheduler.waiting == 0


def test_an_error_in_a_pass_belongs_to_its_request(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    scores, step = engine.passes.scores, text_group.Writing.step
    bad = engine.runs["soft"].asked(request("soft", 2)).ids

    def failing(runs: Any, rows: Any) -> Any:
        if any(row.ids == bad for row in rows):
            raise MemoryError("no room for that")
        return scores(runs, rows)

    def failing_step(self: Any) -> Any:
        sayings = [saying for cohort in self._cohorts for saying in cohort.sayings.values()]
        if any(tuple(saying.ask.row.ids) == bad and len(saying.search.lines[0].ids) == 2 for saying in sayings):
            raise MemoryError("no room for that either")
        return step(self)

    texts = [request("say soft", i) for i in range(4)]
    labels = [request(name, i) for i in range(4) for name in ("soft", "other")]
    expected = [values(found) for found in engine.answer([*texts, *labels])]
    monkeypatch.setattr(engine.passes, "scores", failing)
    monkeypatch.setattr(text_group.Writing, "step", failing_step)
    scheduler = Scheduler(engine)
    told: list[Event] = []
    tickets = [scheduler.submit(one, tell=told.append) for one in texts[:1]]
    tickets += [scheduler.submit(one) for one in (*texts[1:], *labels)]
    run_out(scheduler)
    for ticket, right in zip(tickets, expected, strict=True):
        if ticket.row.ids == bad:
            assert isinstance(ticket.end, Failed)
            assert isinstance(ticket.end.error, MemoryError)
        else:
            assert answer(ticket) == right
    pieces = [event for event in told if isinstance(event, Piece)]
    whole = "".join(piece.text for piece in pieces)
    said = told[-1].prediction.texts[0]  # type: ignore[union-attr]
    assert tuple(token for piece in pieces for token in piece.ids) == said.ids
    likelihoods = [value for piece in pieces for value in piece.log_likelihoods]
    assert likelihoods == pytest.approx(said.log_likelihoods, abs=1e-4)  # though it was begun twice
    assert whole == engine.answer(texts[:1])[0].texts[0].text  # type: ignore[union-attr]


def test_a_listener_that_fails_is_left(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    def gone(event: Event) -> None:
        raise ConnectionError("closed")

    scheduler = Scheduler(engine)
    left = scheduler.submit(request("say soft", 2, DRAWN), tell=gone)
    stays = scheduler.submit(request("say soft", 1))
    run_out(scheduler)
    assert isinstance(left.end, Failed)
    assert isinstance(stays.end, Answered)
    assert "a listener failed; its request is taken back" in caplog.text


def order(engine: Engine, runs: list[str], **how: Any) -> Iterator[str]:
    """The runs whose requests are answered, in the order in which they are."""
    scheduler = Scheduler(engine, **how)
    done: list[str] = []

    def listener(run: str) -> Any:
        return lambda event: done.append(run) if isinstance(event, Answered) else None

    for i, run in enumerate(runs):
        scheduler.submit(request(run, 3, TextAnswer(max_tokens=6, min_tokens=6)), tell=listener(run))
        if i == 1:
            scheduler.step()
    run_out(scheduler)
    return iter(done)


def test_a_run_with_many_requests_does_not_keep_others_waiting(engine: Engine) -> None:
    found = list(order(engine, [*["say soft"] * 6, "say other", "say lora"], tokens=1))
    assert found[0] == "say soft"
    assert {"say other", "say lora"} <= set(found[:4])
    assert len(found) == 8
