"""Encoder-decoders through whole jobs: tuned, killed and resumed, judged, used, mixed, and what they refuse."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

import tiny
from closeness import assert_near
from encoder_decoders import plain, save_encoder_decoder
from trimtab import Engine, Request, open_engine
from trimtab.backbones.pretrained import load
from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.jobs import evaluate, show, tune
from trimtab.kinds.bind import bind
from trimtab.kinds.texts import ends
from trimtab.runs.run import load_run, zero_shot
from trimtab.settings.file import make_task
from whole_jobs import (
    TEXTS,
    assert_answers_alone_as_together,
    assert_answers_mixed_as_alone,
    assert_learned,
    assert_loss_as_by_hand,
    assert_same_from_peft,
    kill_and_resume,
    training_on,
)

TEMPLATE = "{task} review : {text} ? it was {answer}"
WORDS = {"negative": ["so cold"], "positive": ["so warm", "great"]}
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
    top = tmp_path_factory.mktemp("encoder-decoders")
    return {name: save_encoder_decoder(top / name, name) for name in ("t5", "t5 v1.1", "bart")}


@pytest.fixture(scope="module")
def loaded(folders, tmp_path_factory):
    torch.set_num_threads(1)
    cache = tmp_path_factory.mktemp("cache")
    return {name: load(folder, cache, name=name, precision="float32") for name, folder in folders.items()}


@pytest.fixture(scope="module")
def data(tmp_path_factory, folders):
    folder = tmp_path_factory.mktemp("data")
    tiny.write_task(folder, folders["t5"])
    return folder


def settings(method: str, folder, words=None, **train):
    content = tiny.task(folder, train={"steps": 6, **train})
    content["method"] = {"name": method, **METHODS.get(method, {})}
    inside = "{soft:2} it was {text}{soft:2} ? {answer}"
    content["template"] = {"text": inside if method == "inside" else TEMPLATE}
    content["labels"] = {"words": words or {label: [label] for label in WORDS}}
    return make_task(content)


def by_hand(bound, model, tokenizer, condition, text) -> torch.Tensor:
    """Label scores of one row: the text as the tokenizer frames it, soft vectors put in, each word from its labels."""
    soft = list(range(len(condition.soft))) if condition.soft is not None else []
    ids = tokenizer(f"{bound.task.task} review : {text} ? it was")["input_ids"]
    front = ids.index(tokenizer.bos_token_id) + 1 if tokenizer.bos_token_id in ids else 0
    if bound.template.soft:
        ids = tokenizer(f" it was {text} ?")["input_ids"]
        ids = [*ids[:front], -1, -2, *ids[front:-2], -3, -4, *ids[-2:]]
    else:
        ids = [*ids[:front], *(-1 - j for j in soft), *ids[front:]]
    if condition.head is not None:
        kept = []
        hook = model.get_output_embeddings().register_forward_pre_hook(lambda _, given: kept.append(given[0][0, -1]))
        plain(model, ids, started(model, tokenizer, ""))
        hook.remove()
        return kept[0] @ condition.head[0].T + condition.head[1]
    labels = []
    for words in bound.task.labels.words.values():
        each = []
        for word in words:
            read = started(model, tokenizer, word)
            target = tokenizer(text_target=word, add_special_tokens=False)["input_ids"]
            begin = len(read) - len(target)  # the last of what is read is never scored from
            logs = [
                plain(model, ids, read[: begin + i], condition.soft, condition.past).log_softmax(-1)[token]
                for i, token in enumerate(target)
            ]
            each.append(torch.stack(logs).sum())
        labels.append(torch.stack(each).logsumexp(0))
    return torch.stack(labels)


def started(model, tokenizer, word) -> list[int]:
    """What the decoder reads in training on this target, without the end token: the labels shifted by the model."""
    labels = tokenizer(text_target=word, return_tensors="pt")["input_ids"]
    return model.prepare_decoder_input_ids_from_labels(labels=labels)[0].tolist()


@pytest.mark.parametrize("kind", ["t5", "t5 v1.1", "bart"])
@pytest.mark.parametrize("method", ["soft_prompt", "inside", "p_tuning", "prefix", "head"])
def test_scores_and_gradients_equal_plain_code(kind, method, data, loaded, folders):
    """Loss of the objective and its gradients, against rows one by one through transformers' own classes."""
    task = settings(method, folders[kind], WORDS)
    bound = bind(task, task.labels.words, loaded[kind], data)
    model = AutoModelForSeq2SeqLM.from_pretrained(folders[kind], dtype=torch.float32, attn_implementation="eager")
    model, tokenizer = model.eval(), AutoTokenizer.from_pretrained(folders[kind])
    assert_loss_as_by_hand(bound, lambda condition, text: by_hand(bound, model, tokenizer, condition, text))


@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_words_are_scored_as_transformers_trains_on_them(kind, loaded, folders):
    """A word's log-likelihood is the cross entropy of `model(labels=...)` over its tokens, the end token left out."""
    from trimtab.backbones.layout import Row
    from trimtab.decoding.scoring import word_scores

    bound = bind(settings("zero_shot", folders[kind], WORDS), WORDS, loaded[kind])
    row, tree = bound.encoder.encode({"text": TEXTS[0]}), bound.verbalizer
    backbone = loaded[kind].backbone
    with torch.no_grad():
        layout = backbone.pack([Row((*row.ids, *tree.node_ids), parents=tree.parents)])
        hidden = backbone.forward(layout, wanted=layout.answers_B + torch.arange(1 + len(tree.node_ids)))
        ours = word_scores(backbone, hidden, tree)[0]
        model = AutoModelForSeq2SeqLM.from_pretrained(folders[kind], dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(folders[kind])
        for score, word in zip(ours, ("so cold", "so warm", "great"), strict=True):
            labels = tokenizer(text_target=word, return_tensors="pt")["input_ids"]
            logits = model(input_ids=torch.tensor([row.ids]), labels=labels).logits[0]
            each = logits.log_softmax(-1).gather(1, labels[0][:, None])[:, 0]
            special = torch.tensor([int(i) in tokenizer.all_special_ids for i in labels[0]])
            assert_near(score, each[~special].sum())


def test_large_trees_are_trained_token_by_token(loaded, folders, data, monkeypatch):
    """Where the words' tree is large, the loss is that of the right label's first word."""
    monkeypatch.setattr("trimtab.prompts.verbalizer.TREE_NODES", 0)
    bound = bind(settings("prefix", folders["bart"], WORDS), WORDS, loaded["bart"], data)
    start = bound.method.initial(0)
    examples = [Example({"text": text}, bound.labels[i % 2], text) for i, text in enumerate(TEXTS)]
    loss = training_on(bound, examples).loss([0], [start], [range(3)], 0)
    model = AutoModelForSeq2SeqLM.from_pretrained(folders["bart"], dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folders["bart"])
    only = bind(settings("prefix", folders["bart"], {k: w[:1] for k, w in WORDS.items()}), WORDS, loaded["bart"])
    expected = torch.stack([
        -word_by_hand(only, model, tokenizer, bound.method.condition(start), text, ("so cold", "so warm")[i % 2])
        for i, text in enumerate(TEXTS)
    ]).mean()  # fmt: skip
    assert_near(loss[0], expected)


def word_by_hand(bound, model, tokenizer, condition, text, word) -> torch.Tensor:
    """Log-likelihood of one word behind one row."""
    at = [own[0] for own in bound.task.labels.words.values()].index(word)
    return by_hand(bound, model, tokenizer, condition, text)[at]


BOTH = [("t5", method) for method in METHODS if method not in ("bitfit", "inside", "lora with a prompt")]
BOTH += [("bart", method) for method in ("prefix", "lora", "bitfit")]


@pytest.mark.parametrize(("kind", "method"), BOTH)
def test_learning_judging_and_using(kind, method, data, tmp_path, loaded, folders):
    """Every method learns, and answers from its folder the same alone as among others."""
    task = settings(method, folders[kind], steps=16, batch_size=16, evaluate_every=16)
    tuned = tune.run(task, tmp_path / "run", base=data, beside=method == "head", pretrained=loaded[kind])
    assert_learned(tmp_path / "run")
    if method == "head":
        assert [baseline.name for baseline in tuned.report.scored.baselines] == ["majority", "naive Bayes", "zero-shot"]
    assert_answers_alone_as_together(tmp_path / "run", loaded[kind])
    if method == "soft_prompt":
        again = evaluate.run(tmp_path / "run", beside=False, pretrained=loaded[kind])
        assert again.scored.test.accuracy == tuned.report.scored.test.accuracy


@pytest.mark.parametrize("method", ["soft_prompt", "prefix", "lora with a prompt", "full"])
def test_a_kill_and_a_resume_end_the_same(method, data, tmp_path, loaded, folders):
    task = settings(method, folders["bart"], WORDS, runs=2, checkpoint_seconds=0, steps=3, gradient_checkpointing=True)
    kill_and_resume(task, tmp_path, step=2, base=data, pretrained=loaded["bart"])


def test_runs_mix_in_one_engine(data, tmp_path, loaded, folders):
    """Different methods, label words of one and of several tokens, several seeds."""
    names = {"soft_prompt": WORDS, "prefix": None, "lora": WORDS, "head": None, "inside": None}
    for name, words in names.items():
        task = settings(name, folders["t5"], words, runs=2, ensemble=name == "prefix", steps=2)
        tune.run(task, tmp_path / name, base=data, report=False, pretrained=loaded["t5"])
    assert_answers_mixed_as_alone(tmp_path, list(names), loaded["t5"])


@pytest.mark.parametrize("method", ["zero_shot", "search"])
def test_without_training(method, data, tmp_path, loaded, folders):
    tuned = tune.run(settings(method, folders["bart"]), tmp_path / "run", base=data, pretrained=loaded["bart"])
    assert tuned.run.tensors == ({},)
    assert tuned.report.scored.test.rows == 24


def test_rows_are_shown_as_read(data, loaded, folders):
    [shown], words = show.run(settings("soft_prompt", folders["t5"], WORDS), 1, base=data, pretrained=loaded["t5"])
    assert [name for name, _ in shown.parts] == ["row", "answer"]
    row, answer = (tokens for _, tokens in shown.parts)
    assert row[:5] == ["▢"] * 4 + ["is"]
    assert row[-2:] == ["was", "</s>"]
    assert answer == {"negative": ["so", "cold"], "positive": ["so", "warm"]}[shown.answer]
    assert words == {"negative": [["so", "cold"]], "positive": [["so", "warm"], ["great"]]}
    assert shown.text.endswith(f"? it was {' '.join(answer)}")


def test_sentinels_are_words_like_others(loaded, folders):
    words = {"negative": ["<extra_id_0> bad"], "positive": ["<extra_id_0> great"]}
    bound = bind(settings("zero_shot", folders["t5"], words), words, loaded["t5"])
    tokens = [loaded["t5"].tokenizer.convert_ids_to_tokens(word.ids) for word in bound.verbalizer.words]
    assert tokens == [["<extra_id_0>", "▁bad"], ["<extra_id_0>", "▁great"]]


REFUSED = {
    "text behind the answer": (
        {"template": {"text": "It was {answer} . {text}"}},
        "template.text goes on behind {answer}: 'It was {answer} . {text}'. "
        "An encoder-decoder answers at the end: move {answer} there.",
    ),
    "demonstrations": (
        {"method": "few_shot"},
        "method 'few_shot' needs a causal backbone, and one of type 't5' is an encoder-decoder. "
        "Choose another method or backbone.",
    ),
    "a late prompt": (
        {"method": "late_prompt"},
        "a prompt cannot enter a backbone of type 't5' at a later layer. "
        "Choose a backbone of the Llama, Mistral, Qwen or Gemma 3 family, or another method.",
    ),
    "biases where there are none": (
        {"method": "bitfit"},
        "method 'bitfit' trains biases, and a backbone of type 't5' has none. "
        "Choose another method, lora or prefix say.",
    ),
    "a word it has no tokens for": (
        {"labels": {"words": {"negative": "差评", "positive": "positive"}}},
        "labels: the word '差评' of label 'negative' is not in the vocabulary of the backbone. "
        "Choose another word for it.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_encoder_decoders_refuse(case, data, tmp_path, loaded, folders):
    changes, message = REFUSED[case]
    content = {**tiny.task(folders["t5"]), "template": {"text": TEMPLATE}, **changes}
    with pytest.raises(TrimtabError) as caught:
        tune.run(make_task(content), tmp_path / "run", base=data, pretrained=loaded["t5"])
    assert str(caught.value) == message
    assert not (tmp_path / "run").exists()


def test_a_tuned_run_to_peft_and_back(data, tmp_path, loaded, folders):
    task = settings("lora", folders["t5"], steps=1)
    assert_same_from_peft(task, tmp_path, base=data, pretrained=loaded["t5"])


def test_a_long_text_is_cut_to_the_context(data, tmp_path, loaded, folders):
    tune.run(
        settings("head", folders["t5"], steps=1), tmp_path / "run", base=data, beside=False, pretrained=loaded["t5"]
    )
    engine = open_engine(tmp_path / "run", pretrained=loaded["t5"])
    [long, short] = engine.answer([Request("run", {"text": t}) for t in ("warm " * 2000, "😀 很 warm")])
    assert long.cut_tokens > 1700
    assert short.cut_tokens == 0


@pytest.mark.parametrize("name", ["t5", "t5 v1.1", "bart"])
def test_free_text_is_that_of_transformers(name, folders, loaded):
    task = make_task(
        {"template": {"text": TEMPLATE}, "answer": {"kind": "text", "max_tokens": 8}, "method": "zero_shot"}
    )
    engine = Engine(loaded[name])
    bound = engine.add("run", zero_shot(task, {}, loaded[name]))
    model = AutoModelForSeq2SeqLM.from_pretrained(folders[name]).eval()
    answers = engine.answer([Request("run", {"text": text}) for text in TEXTS])
    for text, answer in zip(TEXTS, answers, strict=True):
        ids = bound.encoder.encode({"text": text}).ids
        start = loaded[name].backbone.start
        given = {"decoder_input_ids": torch.tensor([start]), "max_new_tokens": 20, "do_sample": False, "num_beams": 1}
        [expected] = model.generate(torch.tensor([ids]), **given).tolist()
        expected = expected[len(start) :][:8]
        end = ends(bound)[0]
        assert list(answer.texts[0].ids) == (expected[: expected.index(end)] if end in expected else expected)


@pytest.mark.parametrize("method", ["soft_prompt", "prefix", "lora"])
def test_free_text_is_learned(method, loaded, data, tmp_path):
    rows = [{**row, "label": WORDS[row["label"]][0]} for row in tiny.rows(32, 1)]
    tiny.write_rows(tmp_path / "train.jsonl", rows)
    content = tiny.task("t5", train={"steps": 4, "evaluate_every": 2})
    content |= {"template": {"text": TEMPLATE}, "answer": "text", "method": {"name": method, **METHODS[method]}}
    content["data"] = {"train": "train.jsonl"}
    content.pop("labels")
    kept = tune.run(make_task(content), tmp_path / "run", base=tmp_path, pretrained=loaded["t5"], report=False).run
    assert 0 < kept.facts["dev_accuracy"][0] < 1
    engine = Engine(loaded["t5"])
    engine.add("run", load_run(tmp_path / "run"))
    together = engine.answer([Request("run", {"text": text}) for text in TEXTS])
    for text, answer in zip(TEXTS, together, strict=True):
        [alone] = engine.answer([Request("run", {"text": text})])
        assert alone.texts[0].ids == answer.texts[0].ids
