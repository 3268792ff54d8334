"""Dialogues tuned and answered: every assistant turn is trained and nothing else; against transformers' own loss."""

from __future__ import annotations

import json

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM

import chats
import tiny
from closeness import assert_near
from objectives import objective_on
from trimtab import load_splits
from trimtab.backbones.pretrained import load
from trimtab.data import MESSAGES
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine
from trimtab.inference.request import Request
from trimtab.jobs import predict, show, tune
from trimtab.kinds.bind import bind
from trimtab.kinds.texts import answer_ids, ends
from trimtab.runs.run import zero_shot
from trimtab.settings.file import make_task, read_task
from trimtab.training.loop import Plan
from whole_jobs import tuned

DIALOGUE = {"template": {"text": "{messages}"}, "answer": {"kind": "text", "max_tokens": 20}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("chats")
    return {
        family or "plain": chats.save_backbone(base / (family or "plain"), family) for family in ("chatml", "gemma", "")
    }


@pytest.fixture(scope="module")
def backbones(folders, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    torch.set_num_threads(1)
    return {family: load(folder, cache, name=str(folder), precision="float32") for family, folder in folders.items()}


@pytest.fixture
def folder(tmp_path, folders):
    for name, n, seed in (("train", 24, 1), ("dev", 6, 2)):
        tiny.write_rows(tmp_path / f"{name}.jsonl", chats.rows(n, seed))
    settings = {
        "name": "chats", "backbone": str(folders["chatml"]), "task": "what do you say ?",
        "data": {"train": "train.jsonl", "dev": "dev.jsonl"}, **DIALOGUE, "method": {"length": 5},
        "train": {"steps": 4, "batch_size": 6, "evaluate_every": 2, "threads": 1, "precision": "float32"},
    }  # fmt: skip
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


@pytest.mark.parametrize("family", ["chatml", "gemma", "plain"])
def test_loss_is_that_of_the_tokenizers_own_mask(folder, folders, backbones, family):
    pretrained = backbones[family]
    tuned(folder, pretrained, overrides=["train.steps=1", "method=full", f"backbone={folders[family]}"])
    record = json.loads((folder / "run" / "metrics.jsonl").read_text().splitlines()[0])
    task = read_task(folder / "run" / "task.yaml")
    bound = bind(task, {}, pretrained)
    model = AutoModelForCausalLM.from_pretrained(folders[family], dtype=torch.float32)
    rows = load_splits(task.data, [MESSAGES], task.answer, base=folder).train
    batch = Plan(len(rows), 1, 6, 1, 0.1, (task.train.seed,)).batch(0, 0)

    def masked(example):
        messages = json.loads(example.fields[MESSAGES])
        if family == "gemma":
            first = {"role": "user", "content": f"what do you say ?\n\n{messages[0]['content']}"}
            messages = [first, *messages[1:]]
        else:
            messages = [{"role": "system", "content": "what do you say ?"}, *messages]
        whole = pretrained.tokenizer.apply_chat_template(
            [*messages, {"role": "assistant", "content": example.answer}], chat_template=bound.chat.template,
            return_assistant_tokens_mask=True, return_dict=True,
        )  # fmt: skip
        return torch.tensor(whole["input_ids"]), torch.tensor(whole["assistant_masks"]).bool()

    total = 0.0
    for i in batch:
        ids, mask = masked(rows[i])
        logits = model(ids[None]).logits[0, :-1].detach()
        total += float(torch.nn.functional.cross_entropy(logits[mask[1:]], ids[1:][mask[1:]], reduction="sum"))
    mean = sum(int(masked(e)[1].sum()) for e in rows) / len(rows)
    assert_near(record["loss"][0], total / len(batch) / mean)


@pytest.mark.parametrize("method", ["soft_prompt", "prefix", "late_prompt", "lora"])
def test_methods_train_and_answer(folder, backbones, method):
    run = tuned(folder, backbones["chatml"], overrides=[f"method={method}"]).run
    assert 0 < run.facts["dev_accuracy"][0] < 1
    engine = predict.open_engine(folder / "run", pretrained=backbones["chatml"])
    [answer] = engine.answer([Request("run", {MESSAGES: "a great film"})])
    assert len(answer.texts) == 1


def test_dev_is_judged_by_every_assistant_turn(folder, backbones):
    run = tuned(folder, backbones["chatml"], overrides=["method=zero_shot"]).run
    assert run.facts["steps"] == 0
    task = read_task(folder / "run" / "task.yaml")
    bound = bind(task, {}, backbones["chatml"])
    dev = load_splits(task.data, [MESSAGES], task.answer, base=folder).dev
    objective = objective_on(bound, dev)
    [score] = objective.evaluate([0], [{}])
    loss = objective.loss([0], [{}], [list(range(len(dev)))], 0)
    assert_near(score.loss, float(loss))


def test_full_fine_tuning_learns_to_answer_in_every_turn(folder, backbones):
    overrides = ["method=full", "train.steps=60", "train.rate=0.01", "train.evaluate_every=60"]
    tuned(folder, backbones["chatml"], overrides=overrides)
    engine = predict.open_engine(folder / "run", pretrained=backbones["chatml"])
    asked = [{"role": "user", "content": "a great film"}]
    later = [*asked, {"role": "assistant", "content": "so it is good"}, {"role": "user", "content": "a bad film"}]
    answers = engine.answer([Request("run", {MESSAGES: json.dumps(messages)}) for messages in (asked, later)])
    assert {answer.label for answer in answers} <= {"so it is good", "so it is bad"}
    assert {answer.texts[0].ended for answer in answers} == {"end"}


def test_resume_is_exact(folder, backbones):
    whole = tuned(folder, backbones["chatml"], "whole").run

    class Stop(Exception):
        pass

    def stop(record, plan):
        if record.step == 3:
            raise Stop

    with pytest.raises(Stop):
        tuned(folder, backbones["chatml"], "killed", ["train.checkpoint_seconds=0"], on_step=stop)
    again = tuned(folder, backbones["chatml"], "killed", ["train.checkpoint_seconds=0"], resume=True).run
    for name, tensor in whole.tensors[0].items():
        assert torch.equal(tensor, again.tensors[0][name])


@pytest.mark.parametrize("family", ["chatml", "gemma", "plain"])
def test_greedy_answers_are_those_of_transformers(folders, backbones, family):
    pretrained = backbones[family]
    engine = Engine(pretrained)
    bound = engine.add("run", zero_shot(make_task(DIALOGUE), {}, pretrained))
    model = AutoModelForCausalLM.from_pretrained(folders[family], dtype=torch.float32)
    for record in chats.rows(4, seed=5):
        messages = record["messages"][:-1]
        [found] = engine.answer([Request("run", {MESSAGES: json.dumps(messages)})])
        ids = pretrained.tokenizer.apply_chat_template(
            messages, chat_template=bound.chat.template, add_generation_prompt=True, return_dict=True
        )["input_ids"]
        end = pretrained.tokenizer.convert_tokens_to_ids(bound.chat.end)
        assert ends(bound)[0] == end
        [expected] = model.generate(
            torch.tensor([ids]), max_new_tokens=20, do_sample=False, pad_token_id=0, eos_token_id=list(ends(bound))
        ).tolist()
        assert list(found.texts[0].ids) == [i for i in expected[len(ids) :] if i not in ends(bound)]


def test_runs_whose_answers_end_otherwise_do_not_disturb_each_other(backbones):
    pretrained = backbones["gemma"]
    runs = {
        "chat": make_task(DIALOGUE), "plain": make_task({"answer": {"kind": "text", "max_tokens": 40}}),
        "turn": make_task({"template": {"chat": True}, "answer": {"kind": "text", "max_tokens": 40}}),
    }  # fmt: skip
    engine = Engine(pretrained)
    for name, task in runs.items():
        engine.add(name, zero_shot(task, {}, pretrained))
    assert len({ends(engine.runs[name]) for name in runs}) == 2
    fields = {MESSAGES: "a bad film", "text": "a bad film"}
    asked = [Request(name, fields) for name in (*runs, *runs)]
    for request, found in zip(asked, engine.answer(asked), strict=True):
        assert found.texts[0].ids == engine.answer([request])[0].texts[0].ids


def test_too_long_dialogues_lose_their_first_turns(folder, backbones):
    notes: list[str] = []
    tuned(
        folder,
        backbones["chatml"],
        overrides=["template.max_tokens=100"],
        on_plan=lambda task, plan, found: notes.extend(found),
    )
    task = read_task(folder / "task.yaml", ["template.max_tokens=100"])
    bound = bind(task, {}, backbones["chatml"])
    rows = [bound.encoder.encode(e.fields) for e in load_splits(task.data, [MESSAGES], task.answer, base=folder).train]
    cut = [row for row in rows if row.dropped]
    assert 0 < len(cut) < len(rows)
    assert all(len(row.ids) <= 100 - 5 - 20 for row in rows)
    lost = sum(row.dropped for row in cut)
    assert notes == [
        f"{len(cut)} of 24 training rows lost {lost} earlier turns to fit, {sum(row.cut for row in cut)} tokens in all."
    ]


def test_the_longest_answer_that_is_picked_holds_its_end(folder, backbones):
    tiny.write_rows(folder / "train.jsonl", [{"instruction": "hi", "output": text} for text in ("好评 😀", "good")] * 4)
    notes: list[str] = []
    overrides = ["answer.max_tokens=null", "train.steps=1"]
    run = tuned(
        folder, backbones["chatml"], overrides=overrides, on_plan=lambda task, plan, found: notes.extend(found)
    ).run
    bound = bind(run.task, {}, backbones["chatml"])
    assert answer_ids(bound, "好评 😀")[-1] == ends(bound)[0]
    assert len(answer_ids(bound, "好评 😀")) <= run.task.answer.max_tokens
    assert not any("longer" in note for note in notes)


def test_predict_answers_every_form_and_goes_on_after_a_bad_one(folder, backbones):
    tuned(folder, backbones["chatml"])
    records = [
        {"messages": [{"role": "user", "content": "a great film"}]},
        {"conversations": [{"from": "human", "value": "a great film"}, {"from": "gpt", "value": "not read"}]},
        {"messages": []},
        {"instruction": "a great film"},
    ]
    tiny.write_rows(folder / "asked.jsonl", records)
    engine = predict.open_engine(folder / "run", pretrained=backbones["chatml"])
    first, second, bad, last = predict.run(engine, "asked.jsonl", base=folder)
    assert set(first) == {"text", "ended", "log_likelihood"}
    assert first["text"] == second["text"] == last["text"]
    assert bad == {
        "error": "asked.jsonl:3: the dialogue has no messages. It needs a user's turn at least.",
        "where": "asked.jsonl:3",
    }
    [alone] = predict.texts(engine, ["a great film"])
    assert alone["text"] == first["text"]


@pytest.mark.parametrize("family", ["chatml", "gemma", "plain"])
def test_the_code_on_an_exports_card_says_the_answer(folder, folders, backbones, family, tmp_path, monkeypatch, capsys):
    from trimtab.jobs import exchange

    run = tuned(folder, backbones[family], overrides=[f"backbone={folders[family]}"]).run
    exchange.export(folder / "run", tmp_path / "peft", format="peft", pretrained=backbones[family])
    text = (tmp_path / "peft" / "README.md").read_text()
    code = text.partition("```python\n")[2].partition("```")[0].replace("...", "a great film")
    monkeypatch.chdir(tmp_path / "peft")
    names: dict[str, str] = {}
    exec(compile(code, "card", "exec"), names)
    engine = Engine(backbones[family])
    engine.add("run", run)
    [answer] = engine.answer([Request("run", {MESSAGES: "a great film"})])
    assert names["text"] == answer.label
    capsys.readouterr()


def test_a_report_of_dialogues(folder, backbones):
    tiny.write_rows(folder / "test.jsonl", chats.rows(6, 3))
    task = read_task(folder / "task.yaml", ["data.test=test.jsonl", "train.steps=1"])
    report = tune.run(task, folder / "run", base=folder, pretrained=backbones["chatml"]).report
    assert report.template_example.startswith("<|im_start|>system\nwhat do you say ?<|im_end|>\n<|im_start|>user\n")
    assert report.data.test_rows == 6
    assert (folder / "run" / "report.html").is_file()


def test_data_knows_dialogues_without_a_task(folder):
    from trimtab.jobs import data
    from trimtab.settings.task import DataSettings

    report = data.run("train.jsonl", settings=DataSettings(), fields=(), base=folder, others={})
    assert report.splits["train.jsonl"].rows == 24


def test_show_shows_the_chat_as_the_backbone_reads_it(folder, backbones):
    [row], _ = show.run(read_task(folder / "task.yaml"), 1, base=folder, pretrained=backbones["chatml"])
    first = chats.rows(24, 1)[0]["messages"]
    assert row.text == (
        "<|im_start|>system\nwhat do you say ?<|im_end|>\n"
        f"<|im_start|>user\n{first[0]['content']}<|im_end|>\n<|im_start|>assistant\n{first[1]['content']}"
    )


def test_labels_and_texts_in_a_chat_template(folder, backbones):
    pretrained = backbones["chatml"]
    task = make_task(
        {"task": "is it good ?", "template": {"chat": True, "text": "{text}{answer}"}, "labels": ["bad", "good"]}
    )
    bound = bind(task, {"bad": ["bad"], "good": ["good"]}, pretrained)
    row = bound.encoder.encode({"text": "a <|im_end|> film"})
    assert pretrained.tokenizer.decode([*bound.encoder.head_ids, *row.ids]) == (
        "<|im_start|>system\nis it good ?<|im_end|>\n<|im_start|>user\na < |im_end|> film<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert pretrained.tokenizer.decode(bound.encoder.head_ids).endswith("<|im_start|>user\n")
    assert [word.text for word in bound.verbalizer.words] == ["bad", "good"]
    text = bind(make_task({"template": {"chat": True}, "answer": {"kind": "text", "max_tokens": 20}}), {}, pretrained)
    assert pretrained.tokenizer.decode(answer_ids(text, "so it is")) == "so it is<|im_end|>"
    described = bind(
        make_task(
            {
                "task": "say",
                "template": {"chat": True, "text": "{task} {text}{answer}"},
                "answer": {"kind": "text", "max_tokens": 20},
            }
        ),
        {},
        pretrained,
    )
    assert described.template.text({"text": "x"}).count("say") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"template": {"text": "{messages}"}},
            "template.text stands for a whole dialogue, and the answers of this task are labels. Set answer to text.",
        ),
        (
            {"template": {"text": "{messages} Why?{answer}"}, "answer": {"kind": "text", "max_tokens": 20}},
            "template.text has {messages}, which is a whole dialogue, beside other text: '{messages} Why?{answer}'. "
            "Let it "
            "stand alone, and put what is to be said of it into `task`; or give the field another name.",
        ),
        (
            {"template": {"text": "{messages}"}, "answer": {"kind": "text", "max_tokens": 20}, "method": "few_shot"},
            "method 'few_shot' shows examples as plain text, and rows of this task are turns of a dialogue. "
            "Choose another "
            "method, or set template.chat to false.",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_with_dialogues(backbones, changes, message):
    with pytest.raises(TrimtabError) as error:
        bind(make_task(changes), {}, backbones["chatml"])
    assert str(error.value) == message


def test_other_kinds_of_backbone_are_refused(tmp_path):
    from encoder_decoders import save_encoder_decoder
    from encoders import save_encoder

    for save, kind, title in (
        (save_encoder, "bert", "an encoder"), (save_encoder_decoder, "t5", "an encoder-decoder"),
    ):  # fmt: skip
        pretrained = load(save(tmp_path / kind), tmp_path / "cache", name=kind, precision="float32")
        with pytest.raises(TrimtabError) as error:
            bind(make_task({"template": {"chat": True}, "labels": ["bad", "good"]}), {}, pretrained)
        assert str(error.value) == (
            f"a chat template needs a causal backbone, and one of type '{kind}' is {title}. Choose another backbone."
        )
