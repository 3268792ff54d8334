"""Encoders through whole jobs: tuned, killed and resumed, judged, used, mixed, and what they refuse."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

import tiny
from encoders import plain, save_encoder
from trimtab import Request, open_engine
from trimtab.backbones.pretrained import load
from trimtab.errors import TrimtabError
from trimtab.jobs import compare, evaluate, exchange, show, tune
from trimtab.jobs.compare import Wanted
from trimtab.kinds.bind import bind
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task
from whole_jobs import (
    assert_answers_alone_as_together,
    assert_answers_mixed_as_alone,
    assert_learned,
    assert_loss_as_by_hand,
    assert_same_from_peft,
    kill_and_resume,
)

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


@pytest.mark.parametrize("method", ["soft_prompt", "inside", "p_tuning", "prefix", "head"])
def test_scores_and_gradients_equal_plain_code(kind, method, data, loaded, folders):
    """Loss of the objective and its gradients, against rows one by one through transformers' own classes."""
    words = {label: [label] for label in ("negative", "positive")}
    bound = bind(settings(method, folders[kind]), words, loaded[kind], data)
    model, tokenizer = oracle(kind, folders[kind]), AutoTokenizer.from_pretrained(folders[kind])
    assert_loss_as_by_hand(bound, lambda condition, text: by_hand(bound, model, tokenizer, condition, text))


@pytest.mark.parametrize("kind", ["bert", "bare"])
def test_learning_judging_and_using(kind, method, data, tmp_path, loaded, folders):
    """Every method learns, beats chance, and answers from its folder the same alone as among others."""
    rate = {"head": 0.03}.get(method)
    task = settings(method, folders[kind], steps=20, batch_size=16, evaluate_every=20, rate=rate)
    tuned = tune.run(task, tmp_path / "run", base=data, beside=True, pretrained=loaded[kind])
    assert_learned(tmp_path / "run")
    baselines = ["majority", "naive Bayes", *(["zero-shot"] if kind == "bert" else [])]
    assert [baseline.name for baseline in tuned.report.scored.baselines] == baselines
    names = set(load_run(tmp_path / "run").tensors[0])
    assert ({"head.weight", "head.bias"} <= names) is (kind == "bare" and method != "head")
    assert_answers_alone_as_together(tmp_path / "run", loaded[kind])
    again = evaluate.run(tmp_path / "run", beside=False, pretrained=loaded[kind])
    assert again.scored.test.accuracy == tuned.report.scored.test.accuracy


def test_a_kill_and_a_resume_end_the_same(method, data, tmp_path, loaded, folders):
    task = settings(method, folders["bert"], runs=2, checkpoint_seconds=0)
    kill_and_resume(task, tmp_path, step=1 if method == "head" else 4, base=data, pretrained=loaded["bert"])


def test_runs_mix_in_one_engine(data, tmp_path, loaded, folders):
    names = ["soft_prompt", "prefix", "lora", "head"]
    for name in names:
        task = settings(name, folders["bert"], runs=2, ensemble=name == "prefix")
        tune.run(task, tmp_path / name, base=data, report=False, pretrained=loaded["bert"])
    assert_answers_mixed_as_alone(tmp_path, names, loaded["bert"])


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
    assert_same_from_peft(task, tmp_path, base=data, pretrained=loaded["roberta"])


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
