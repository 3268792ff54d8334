"""Hard prompt search: the best on dev is found, within the budget."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine
from trimtab.runs.run import zero_shot
from trimtab.settings.file import make_task
from trimtab.tasks import search as module
from trimtab.tasks.search import search

WORDS = {"negative": ["negative"], "positive": ["positive"]}


def dev(n: int) -> list[Example]:
    draw = np.random.default_rng(0)
    words = ["wonderful", "funny", "great", "warm", "awful", "boring", "bad", "cold"]
    texts = [f"a {' and '.join(draw.choice(words, 3))} film" for _ in range(n)]
    return [Example({"text": text}, list(WORDS)[i % 2], f"dev:{i}") for i, text in enumerate(texts)]


def score(pretrained, task, words, rows) -> tuple[float, float]:
    engine = Engine(pretrained)
    engine.add("run", zero_shot(task, words, pretrained))
    found, _ = engine.probabilities("run", [(e.fields, e.where) for e in rows])
    gold = np.array([list(words).index(e.answer) for e in rows])
    return (found.argmax(1) == gold).mean(), -np.log(found[np.arange(len(gold)), gold]).mean()


TASK = make_task({"task": "good ?", "template": {"text": "{task}\nText: {text}\nAnswer:{answer}"}, "method": "search"})


def test_with_budget_enough_the_best_of_all_is_found(pretrained):
    """Against every wording scored on every row; then every set of words under that wording."""
    from trimtab.kinds.bind import bind
    from trimtab.methods.label_words import word_proposals
    from trimtab.prompts.proposals import Wording, wordings

    rows = dev(16)
    found = search(TASK, WORDS, rows, pretrained, budget=20_000, chinese=False)
    best = None
    proposed = wordings(Wording(TASK.task, TASK.template.text), list(WORDS), chinese=False)
    for wording in proposed:
        template = TASK.template.model_copy(update={"text": wording.text})
        task = TASK.model_copy(update={"task": wording.task, "template": template})
        accuracy, loss = score(pretrained, task, WORDS, rows)
        if best is None or (accuracy, -loss) > best[0]:
            best = (accuracy, -loss), task
    assert found.wordings == len(proposed)
    task = best[1]
    verbalizer = bind(task, WORDS, pretrained).verbalizer
    sets = word_proposals(WORDS, verbalizer, pretrained.backbone, pretrained.tokenizer, chinese=False)
    ranked = [score(pretrained, task, own, rows) for own in sets]
    top = max(range(len(sets)), key=lambda i: (ranked[i][0], -ranked[i][1]))
    assert (found.best.task, found.best.words) == (task, sets[top])
    assert found.word_sets == len(sets)
    assert found.scored == 16 * (len(proposed) + len(sets))  # no row is scored twice
    assert found.best.task.method == TASK.method


@pytest.mark.parametrize("budget", [16, 60, 300, 1000])
def test_the_budget_is_kept(pretrained, budget):
    told = []
    found = search(TASK, WORDS, dev(200), pretrained, budget=budget, chinese=False, on_scored=told.append)
    assert found.scored <= budget
    assert told == sorted(told)
    if budget == 16:
        assert (found.best.task, found.wordings) == (TASK, 1)
    if budget >= 300:
        assert told[-1] == found.scored > budget / 2


def test_the_search_depends_on_the_seed_alone(pretrained):
    def run(seed: int):
        task = TASK.model_copy(update={"train": TASK.train.model_copy(update={"seed": seed})})
        best = search(task, WORDS, dev(60), pretrained, budget=200, chinese=False).best
        return best.task.task, best.task.template.text, best.words

    assert run(0) == run(0)
    assert len({str(run(seed)) for seed in range(6)}) > 1


def test_halving_keeps_the_better_half_on_more_rows(pretrained, monkeypatch):
    """Four candidates, two rounds: the first on half of the rows, the second on the other half."""
    rows = dev(32)
    names = ["negative or positive ?", "good ?", "bad ?", "warm ?"]
    candidates = [module.Candidate(TASK.model_copy(update={"task": name}), WORDS) for name in names]
    first = [score(pretrained, c.task, WORDS, rows[:16]) for c in candidates]
    half = sorted(range(4), key=lambda i: (-first[i][0], first[i][1]))[:2]
    whole = {i: score(pretrained, candidates[i].task, WORDS, rows) for i in half}
    expected = min(half, key=lambda i: (-whole[i][0], whole[i][1]))
    best, ranked, scored = module._ranked(candidates, rows, pretrained, 128, None, 0)
    assert (best, ranked, scored) == (candidates[expected], 4, 4 * 16 + 2 * 16)


def test_what_is_unfit_is_left_out_and_the_given_must_fit(pretrained):
    tight = TASK.model_copy(update={"template": TASK.template.model_copy(update={"max_tokens": 14})})
    found = search(tight, WORDS, dev(16), pretrained, budget=2000, chinese=False)
    assert 0 < found.wordings < 20
    wrong = {"negative": ["so"], "positive": ["so"]}
    with pytest.raises(TrimtabError) as caught:
        search(TASK, wrong, dev(16), pretrained, budget=2000, chinese=False)
    assert str(caught.value) == (
        "labels: 'negative' and 'positive' have the same word 'so'. Give each label words of its own."
    )
