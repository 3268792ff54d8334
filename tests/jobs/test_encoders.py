"""Encoders through whole jobs: tuned, killed and resumed, judged, used, mixed, and what they refuse."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

import tiny
from encoders import plain, save_encoder
from trimtab import Engine, Request, open_engine
from trimtab.backbones.pretrained import load
from trimtab.errors import TrimtabError
from trimtab.inference.bound import bind
from trimtab.inference.runs import load_run
from trimtab.jobs import compare, evaluate, exchange, show, tune
from trimtab.jobs.compare import Wanted
from trimtab.task_file import make_task

TEMPLATE = "{task} it was {answer} . review : {text}"
METHODS = {
    "soft_prompt": {"length": 4},
    "inside": {"name": "soft_prompt"},
    "p_tuning": {"length": 4, "hidden": 8},
    "prefix": {"length": 4},
    "lora": {"rank": 2},
    "lora with a prompt": {"name": "lora", "rank": 2, "prompt": 3},
    "ia3": {},
    "bitfit": {},
    "full": {},
    "head": {},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    top = tmp_path_factory.mktemp("encoders")
    return {name: save_encoder(top / name, name) for name in ("bert", "roberta", "bare")}


@pytest.fixture(scope="module")
def loaded(folders, tmp_path_factory):
    torch.set_num_threads(1)
    cache = tmp_path_factory.mktemp("cache")
    return {name: load(folder, cache, name=str(folder), precision="float32") for name, folder in folders.items()}


@pytest.fixture(scope="module")
def data(tmp_path_factory, folders):
    folder = tmp_path_factory.mktemp("data")
    tiny.write_task(folder, folders["bert"])
    return folder


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.fixture(params=["bert", "roberta", "bare"])
def kind(request):
    return request.param


class Killed(BaseException):
    """Stands in for a kill: nothing cleans up after it."""


def settings(method: str, folder, template: str = TEMPLATE, **train):
    content = tiny.task(folder, train={"steps": 6, **train})
    content["method"] = {"name": method, **METHODS.get(method, {})}
    content["template"] = {"text": "{soft:2} it was {answer} . {text} {soft:2} ?" if method == "inside" else template}
    return make_task(content)


def oracle(kind, folder):
    head = AutoModel if kind == "bare" else AutoModelForMaskedLM
    return head.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def by_hand(bound, model, tokenizer, condition, text) -> torch.Tensor:
    """Label scores of one row: the text as the tokenizer itself frames it, soft vectors put in, the model run on it."""
    soft = list(range(len(condition.soft))) if condition.soft is not None else []
    task, words = bound.task, ["negative", "positive"]
    bare = not bound.pretrained.backbone.scores_words
    mask = "" if bare else "[MASK]"
    if bound.template.soft:
        row = f" it was {mask} . {text} ?"
        ids = tokenizer(row)["input_ids"]
        ids = [ids[0], -1, -2, *ids[1:-2], -3, -4, *ids[-2:]]
    else:
        ids = tokenizer(f"{task.task} it was {mask} . review : {text}")["input_ids"]
        ids = [ids[0], *(-1 - j for j in soft), *ids[1:]]
    out = plain(model, ids, condition.soft, condition.past)
    if bare:
        weight, bias = condition.head
        return out.mean(0) @ weight.T + bias
    at = ids.index(tokenizer.mask_token_id)
    if condition.head is not None:
        return kept_input(model, lambda: plain(model, ids))[at] @ condition.head[0].T + condition.head[1]
    return out[at, tokenizer.convert_tokens_to_ids(words)]


def kept_input(model, run) -> torch.Tensor:
    """What the output vectors of a masked language model are multiplied with: [T, D]."""
    kept = []
    hook = model.get_output_embeddings().register_forward_pre_hook(lambda _, given: kept.append(given[0][0]))
    run()
    hook.remove()
    return kept[0]


TEXTS = ["a great and warm film", "the plot is awful , the cast boring", "cold"]


@pytest.mark.parametrize("method", ["soft_prompt", "inside", "p_tuning", "prefix", "head"])
def test_scores_and_gradients_equal_plain_code(kind, method, data, loaded, folders, tmp_path):
    """Loss of the objective and its gradients, against rows one by one through transformers' own classes."""
    from trimtab.jobs.tune import _training
    from trimtab.training.objective import Labelled
    from trimtab.training.plan import make_plan

    task = settings(method, folders[kind])
    bound = bind(task, {label: [label] for label in ("negative", "positive")}, loaded[kind], data)
    generator = torch.Generator().manual_seed(5)
    start = bound.method.initial(0)
    start = {n: (x + 0.05 * torch.randn(x.shape, generator=generator)).requires_grad_() for n, x in start.items()}
    rows = [bound.encoder.encode({"text": text}) for text in TEXTS]
    labelled = [Labelled(row.ids, i % 2, row.answer) for i, row in enumerate(rows)]
    plan = make_plan(task.train, len(rows), bound.method.rate)
    loss = _training(bound, plan, [start], labelled, labelled).loss([0], [start], [range(len(rows))], 0)
    ours = torch.autograd.grad(loss.sum(), list(start.values()), allow_unused=True)
    model, tokenizer = oracle(kind, folders[kind]), AutoTokenizer.from_pretrained(folders[kind])
    condition = bound.method.condition(start)
    scores = torch.stack([by_hand(bound, model, tokenizer, condition, text) for text in TEXTS])
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1, 0]))
    torch.testing.assert_close(loss[0], expected, atol=1e-5, rtol=1e-5)
    theirs = torch.autograd.grad(expected, list(start.values()), allow_unused=True)
    for name, mine, reference in zip(start, ours, theirs, strict=True):
        if reference is None or reference.norm() < 1e-6:
            assert mine is None or mine.norm() < 1e-5, name
        else:
            assert (mine - reference).norm() <= 1e-4 * reference.norm(), name


@pytest.mark.parametrize("kind", ["bert", "bare"])
def test_learning_judging_and_using(kind, method, data, tmp_path, loaded, folders):
    """Every method learns, beats chance, and answers from its folder the same alone as among others."""
    rate = {"head": 0.03}.get(method)
    task = settings(method, folders[kind], steps=40, batch_size=16, evaluate_every=20, rate=rate)
    tuned = tune.run(task, tmp_path / "run", base=data, beside=True, pretrained=loaded[kind])
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    first, last = (sum(row["loss"][0] for row in part) / 5 for part in (rows[:5], rows[-5:]))
    assert last < first
    baselines = ["majority", "naive Bayes", *(["zero-shot"] if kind == "bert" else [])]
    assert [baseline.name for baseline in tuned.report.baselines] == baselines
    names = set(load_run(tmp_path / "run").tensors[0])
    assert ({"head.weight", "head.bias"} <= names) is (kind == "bare" and method != "head")
    engine = open_engine(tmp_path / "run", pretrained=loaded[kind])
    together = engine.answer([Request("run", {"text": text}) for text in TEXTS])
    for text, answer in zip(TEXTS, together, strict=True):
        [alone] = engine.answer([Request("run", {"text": text})])
        assert alone.probabilities == pytest.approx(answer.probabilities, abs=1e-5)
    again = evaluate.run(tmp_path / "run", beside=False, pretrained=loaded[kind])
    assert again.test.accuracy == tuned.report.test.accuracy


def test_a_kill_and_a_resume_end_the_same(method, data, tmp_path, loaded, folders):
    task = settings(method, folders["bert"], runs=2, checkpoint_seconds=0)
    tune.run(task, tmp_path / "whole", base=data, beside=False, pretrained=loaded["bert"])

    def die(record, plan):
        if record.step == 4:
            raise Killed

    with pytest.raises(Killed):
        tune.run(task, tmp_path / "run", base=data, pretrained=loaded["bert"], on_step=die)
    tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=loaded["bert"], resume=True)
    one, other = (tmp_path / folder / "prompt.safetensors" for folder in ("whole", "run"))
    assert one.read_bytes() == other.read_bytes()


def test_runs_mix_in_one_engine(data, tmp_path, loaded, folders):
    texts = ["a great and warm film", "the plot is awful , the cast boring", "cold"]
    names = ["soft_prompt", "prefix", "lora", "head"]
    for name in names:
        task = settings(name, folders["bert"], runs=2, ensemble=name == "prefix")
        tune.run(task, tmp_path / name, base=data, beside=False, pretrained=loaded["bert"])
    engine = Engine(loaded["bert"])
    for name in names:
        engine.add(name, load_run(tmp_path / name))
    mixed = [Request(name, {"text": text}) for text in texts for name in names]
    for request, answer in zip(mixed, engine.answer(mixed), strict=True):
        alone = open_engine(tmp_path / request.run, pretrained=loaded["bert"])
        [expected] = alone.answer([Request("run", request.fields)])
        assert answer.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


def test_rows_are_shown_with_the_mask_in_place(data, loaded, folders):
    task = settings("prefix", folders["bert"])
    [shown], _ = show.run(task, 1, base=data, pretrained=loaded["bert"])
    assert [name for name, _ in shown.parts] == ["prefix", "row", "answer"]
    row = shown.parts[1][1]
    assert (row[0], row[-1], row.count("[MASK]")) == ("[CLS]", "[SEP]", 1)
    assert row.index("[MASK]") < row.index("review")
    assert f"it was {shown.answer} . review" in shown.text


REFUSED = {
    "a word of two tokens": (
        "bert",
        {"labels": {"words": {"negative": "awful cold", "positive": "positive"}}},
        "labels: the word 'awful cold' of label 'negative' has 2 tokens ('awful', 'cold'), and a masked language model "
        "answers with one. Choose a word of one token.",
    ),
    "a word it does not know": (
        "bert",
        {"labels": {"words": {"negative": "zyzzyva", "positive": "positive"}}},
        "labels: the word 'zyzzyva' of label 'negative' is not in the vocabulary of the backbone. "
        "Choose another word for it.",
    ),
    "demonstrations": (
        "bert",
        {"method": "few_shot"},
        "method 'few_shot' needs a causal backbone, and one of type 'bert' is an encoder. "
        "Choose another method or backbone.",
    ),
    "words without a head": (
        "bare",
        {"method": "zero_shot"},
        "method 'zero_shot' answers in label words, and this backbone of type 'bert' has no language-model head. "
        "Choose a method that trains one, head or lora say, or another backbone.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_encoders_refuse(case, data, tmp_path, loaded, folders):
    kind, changes, message = REFUSED[case]
    content = {**tiny.task(folders[kind]), "template": {"text": TEMPLATE}, **changes}
    with pytest.raises(TrimtabError) as caught:
        tune.run(make_task(content), tmp_path / "run", base=data, pretrained=loaded[kind])
    assert str(caught.value) == message
    assert not (tmp_path / "run").exists()


def test_a_causal_backbone_answers_at_the_end(data, tmp_path, pretrained, tiny_folder):
    content = {**tiny.task(tiny_folder), "template": {"text": TEMPLATE}}
    with pytest.raises(TrimtabError) as caught:
        tune.run(make_task(content), tmp_path / "run", base=data, pretrained=pretrained)
    assert str(caught.value) == (
        f"template.text goes on behind {{answer}}: {TEMPLATE!r}. "
        "A causal backbone answers at the end: move {answer} there."
    )


def test_late_prompts_need_a_causal_backbone(data, tmp_path, loaded, folders):
    with pytest.raises(TrimtabError) as caught:
        tune.run(settings("late_prompt", folders["bert"]), tmp_path / "late", base=data, pretrained=loaded["bert"])
    assert "late" in str(caught.value)
    assert not (tmp_path / "late").exists()


@pytest.mark.parametrize("method", ["soft_prompt", "lora"])
def test_a_tuned_run_to_peft_and_back(method, data, tmp_path, loaded, folders):
    task = settings(method, folders["roberta"])
    tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=loaded["roberta"])
    exchange.export(tmp_path / "run", tmp_path / "out", pretrained=loaded["roberta"])
    exchange.import_(tmp_path / "out", task, tmp_path / "again", base=data, pretrained=loaded["roberta"])
    requests = [Request("run", {"text": text}) for text in TEXTS]
    expected, found = (
        [a.probabilities for a in open_engine(tmp_path / name, pretrained=loaded["roberta"]).answer(requests)]
        for name in ("run", "again")
    )
    assert found == [pytest.approx(row, abs=1e-6) for row in expected]


def test_without_its_prompt_the_head_that_was_trained_along_is_left(data, tmp_path, loaded, folders):
    wanted = Wanted(methods=("majority", "soft_prompt"), without_prompt=True)
    task = settings("soft_prompt", folders["bare"])
    made = compare.run(task, tmp_path / "out", wanted, base=data, pretrained=loaded["bare"])
    ways = {way.key: way for way in made.ways}
    assert made.left_out == []
    assert ways["soft_prompt"].without_prompt is not None
    assert ways["majority"].without_prompt is None


def test_a_head_on_the_mean_hidden_state_is_not_exchanged(data, tmp_path, loaded, folders):
    tune.run(settings("lora", folders["bare"]), tmp_path / "run", base=data, beside=False, pretrained=loaded["bare"])
    with pytest.raises(TrimtabError) as caught:
        exchange.export(tmp_path / "run", tmp_path / "out", pretrained=loaded["bare"])
    assert str(caught.value) == (
        f"{folders['bare']}: an encoder without a language-model head, whose labels are scored by a linear layer on "
        "the mean hidden state; neither PEFT nor a model class of transformers has a place for it. "
        "Answer with the run itself: trimtab predict."
    )
    assert not (tmp_path / "out").exists()


def test_a_long_text_is_cut_and_says_so(data, tmp_path, loaded, folders):
    tune.run(settings("head", folders["bare"]), tmp_path / "run", base=data, beside=False, pretrained=loaded["bare"])
    engine = open_engine(tmp_path / "run", pretrained=loaded["bare"])
    [long, short] = engine.answer([Request("run", {"text": t}) for t in ("warm " * 20_000, "😀 很 warm")])
    assert long.cut_tokens > 19_000
    assert short.cut_tokens == 0
