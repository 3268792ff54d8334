"""Perplexity against plain transformers code, window by window; runs, batches, blocks, bytes, refusals."""

from __future__ import annotations

import copy
import dataclasses
import math

import pytest
import torch
from tokenizers.processors import TemplateProcessing
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from transformers.cache_utils import DynamicCache

import encoder_decoders
import encoders
import models
import tiny
from trimtab.backbones.pretrained import load
from trimtab.data import Example, Record, to_example
from trimtab.data.example import TextExample
from trimtab.errors import TrimtabError
from trimtab.inference import perplexity
from trimtab.inference.perplexity import Likelihood, TextScorer
from trimtab.jobs import exchange, tune
from trimtab.kinds.bind import bind
from trimtab.kinds.choose import kind_of
from trimtab.runs.run import Run, backbone_facts, load_run, zero_shot
from trimtab.settings.file import make_task

TEXTS = (
    "a great and funny film , the cast warm\nthe plot is bad from start to end\n\nawful , and boring too",
    "这家店好吃，服务热情。 The end 😀",
    "x",
    "",
)
ROWS = (
    TextExample({"text": "a great film"}, "I liked it", "r:1", references=("I liked it", "a good film indeed")),
    TextExample({"text": ""}, "这家店好吃", "r:2", references=("这家店好吃",)),
    TextExample({"text": "the plot is bad , the cast cold"}, "no", "r:3", references=("no",)),
)


def save(folder, architecture):
    """A tiny causal model of an architecture behind the tiny tokenizer."""
    tiny.save_tokenizer(folder)
    config = copy.deepcopy(models.CONFIGS[architecture])
    config.vocab_size = 400
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def plain(model, ids, context, stride, opening=(), **more):
    """Total loss and tokens of the windows of transformers' page on perplexity, logits taken from the whole model."""
    total, tokens, before = 0.0, 0, 0
    for begin in range(0, len(ids), stride):
        end = min(begin + context - len(opening), len(ids))
        row = torch.tensor([[*opening, *ids[begin:end]]])
        with torch.no_grad():
            logits = model(row, **more).logits[0]
        new = min(end - before, len(row[0]) - 1)  # the very first token has nothing before it
        if new > 0:
            total += float(cross_entropy(logits[-new - 1 : -1], row[0, -new:], reduction="sum"))
            tokens += new
        before = end
        if end == len(ids):
            break
    return total, tokens


@pytest.mark.parametrize("architecture", ["llama", "gemma3", "gpt2"])
@pytest.mark.parametrize(("context", "stride"), [(16, 5), (16, 15), (9, 1), (200, None)])
def test_windows_are_those_of_transformers(tmp_path_factory, tmp_path, architecture, context, stride):
    folder = save(tmp_path, architecture)
    pretrained = load(folder, tmp_path / "cache", name="tiny", precision="float32")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    found = list(TextScorer(pretrained).texts([[text] for text in TEXTS], context=context, stride=stride))
    assert len(found) == len(TEXTS)
    for text, own in zip(TEXTS, found, strict=True):
        ids = pretrained.tokenizer(text)["input_ids"]
        total, tokens = plain(model, ids, context, stride or context // 2)
        assert own.tokens == tokens == max(0, len(ids) - 1)
        assert own.nats == pytest.approx(total, rel=1e-4)
    assert (found[2], found[3]) == (Likelihood(), Likelihood())
    assert found[2].loss is found[2].perplexity is found[2].bits_per_byte is None


def test_figures():
    own = Likelihood(2, 3.0, 6) + Likelihood(4, 1.5, 3)
    assert own == Likelihood(6, 4.5, 9)
    assert own.loss == 0.75
    assert own.perplexity == pytest.approx(math.exp(0.75))
    assert own.bits_per_byte == pytest.approx(0.5 / math.log(2))


def test_a_beginning_that_the_tokenizer_puts_there_is_context(pretrained, tiny_folder):
    tokenizer = copy.deepcopy(pretrained.tokenizer)
    tokenizer._tokenizer.post_processor = TemplateProcessing(single="<eos> $A", special_tokens=[("<eos>", 0)])
    begun = dataclasses.replace(pretrained, tokenizer=tokenizer)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    for own, text in zip(TextScorer(begun).texts([[t] for t in TEXTS], context=12, stride=6), TEXTS, strict=True):
        ids = pretrained.tokenizer(text)["input_ids"]
        total, _ = plain(model, ids, 12, 6, opening=(0,))
        assert (own.tokens, own.bytes) == (len(ids), len(text.encode()))
        assert own.nats == pytest.approx(total, rel=1e-4)


def test_bytes_are_those_of_what_is_scored(pretrained):
    scorer, tokenizer = TextScorer(pretrained), pretrained.tokenizer
    for text in TEXTS[:3]:
        [own] = scorer.texts([[text]])
        first = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"][0])
        assert own.bytes == len(text.encode()) - len(first)  # in a byte-level vocabulary a character stands for a byte


def made(pretrained, method, **settings) -> Run:
    task = make_task({"method": method, "task": "say what it is", "answer": {"kind": "text", "max_tokens": 4},
                      "template": {"text": "{task}\nText: {text}\nAnswer:{answer}"}, **settings})  # fmt: skip
    generator = torch.Generator().manual_seed(3)
    start = bind(task, {}, pretrained).method.initial(0)
    tensors = {name: x + 0.3 * torch.randn(x.shape, generator=generator) for name, x in start.items()}
    return Run("a run", task, {}, (tensors,), 0, backbone_facts(pretrained), {})


def embedded(model, soft, ids):
    """Logits behind soft vectors and tokens."""
    words = model.get_input_embeddings()(torch.tensor(ids))
    with torch.no_grad():
        return model(inputs_embeds=torch.cat([soft, words])[None]).logits[0]


def test_a_soft_prompt_and_the_template_stand_before_a_text(pretrained, tiny_folder):
    run = made(pretrained, {"length": 4})
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    bound = bind(run.task, {}, pretrained)
    soft = bound.method.condition(run.tensors[0]).soft
    head = bound.encoder.head_ids
    assert len(head) > 2
    for text, own in zip(TEXTS, TextScorer(pretrained, run).texts([[t] for t in TEXTS]), strict=True):
        ids = pretrained.tokenizer(text)["input_ids"]
        logits = embedded(model, soft, [*head, *ids])
        total = float(cross_entropy(logits[-len(ids) - 1 : -1], torch.tensor(ids), reduction="sum")) if ids else 0
        assert (own.tokens, own.bytes) == (len(ids), len(text.encode()))
        assert own.nats == pytest.approx(total, rel=1e-4)


def test_a_soft_prompt_alone_foretells_the_first_token(pretrained, tiny_folder):
    for length in (1, 3):
        run = made(pretrained, {"length": length}, template={"text": "{text}{answer}"})
        model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
        soft = bind(run.task, {}, pretrained).method.condition(run.tensors[0]).soft
        ids = pretrained.tokenizer(TEXTS[0])["input_ids"]
        logits = embedded(model, soft, ids)
        [own] = TextScorer(pretrained, run).texts([[TEXTS[0]]])
        expected = cross_entropy(logits[length - 1 : -1], torch.tensor(ids), reduction="sum")
        assert own.tokens == len(ids)
        assert own.nats == pytest.approx(float(expected), rel=1e-4)


def test_a_prefix_stands_before_a_text(pretrained, tiny_folder):
    run = made(pretrained, {"name": "prefix", "length": 3}, template={"text": "{text}{answer}"})
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    past = bind(run.task, {}, pretrained).method.condition(run.tensors[0]).past
    cache = DynamicCache()
    for layer, (k, v) in enumerate(past):
        cache.update(k.transpose(0, 1)[None], v.transpose(0, 1)[None], layer)
    ids = pretrained.tokenizer(TEXTS[0])["input_ids"]
    with torch.no_grad():
        logits = model(torch.tensor([ids]), past_key_values=cache).logits[0]
    expected = cross_entropy(logits[:-1], torch.tensor(ids[1:]), reduction="sum")
    [own] = TextScorer(pretrained, run).texts([[TEXTS[0]]])
    assert own.tokens == len(ids) - 1  # keys and values alone foretell nothing
    assert own.nats == pytest.approx(float(expected), rel=1e-4)


def test_a_lora_run_is_the_model_it_is_merged_into(pretrained, tmp_path):
    train = {"steps": 3, "rate": 0.05, "batch_size": 4}
    template = {"text": "Film: {text}\nAnswer:{answer}"}
    tiny.write_task(tmp_path, pretrained.name)
    task = tiny.task(pretrained.name, train=train, template=template) | {"method": {"name": "lora", "rank": 2}}
    tune.run(make_task(task), tmp_path / "run", base=tmp_path, pretrained=pretrained, report=False)
    exchange.export(tmp_path / "run", tmp_path / "merged", format="merged", pretrained=pretrained)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32)
    scorer = TextScorer(pretrained, load_run(tmp_path / "run"))
    head = pretrained.tokenizer("Film:")["input_ids"]
    ids = pretrained.tokenizer(TEXTS[0])["input_ids"]
    [own] = scorer.texts([[TEXTS[0]]], context=20, stride=7)
    total, tokens = plain(model, ids, 20, 7, opening=head)
    assert own.tokens == tokens == len(ids)
    assert own.nats == pytest.approx(total, rel=1e-4)
    [bare] = TextScorer(pretrained).texts([[TEXTS[0]]], context=20, stride=7)
    assert abs(bare.loss - own.loss) > 1e-3


def test_answers_given_their_inputs(pretrained, tiny_folder):
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    run = made(pretrained, {"length": 4})
    soft = bind(run.task, {}, pretrained).method.condition(run.tensors[0]).soft
    tokenizer = pretrained.tokenizer
    for row, own in zip(ROWS, TextScorer(pretrained, run).answers(ROWS), strict=True):
        tokens, total = 0, 0.0
        for text in row.references:
            parts = ("say what it is\nText:", " " + row.fields["text"], "\nAnswer:")
            before = [i for part in parts for i in tokenizer(part)["input_ids"]]
            said = " " + text if text.isascii() else text
            answer = [*tokenizer(said)["input_ids"], tokenizer.eos_token_id]  # whole, beyond answer.max_tokens
            logits = embedded(model, soft, [*before, *answer])
            tokens += len(answer)
            total += float(cross_entropy(logits[-len(answer) - 1 : -1], torch.tensor(answer), reduction="sum"))
        assert (own.tokens, own.bytes) == (tokens, sum(len(text.encode()) for text in row.references))
        assert own.nats == pytest.approx(total, rel=1e-4)


def test_answers_that_are_labels_are_their_first_word(pretrained, tiny_folder):
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    words = {"no": ["not good", "bad"], "yes": ["good"]}
    task = make_task({"labels": words, "template": {"text": "Text: {text}\nAnswer:{answer}"}})
    [own] = TextScorer(pretrained, zero_shot(task, words, pretrained)).answers([Example({"text": "x"}, "no", "r:1")])
    parts = ("Text:", " x", "\nAnswer:")
    before = [i for part in parts for i in pretrained.tokenizer(part)["input_ids"]]
    answer = pretrained.tokenizer(" not good")["input_ids"]
    total, _ = plain(model, [*before, *answer], 200, 100)
    without, _ = plain(model, before, 200, 100)
    assert (own.tokens, own.bytes) == (len(answer), 8)
    assert own.nats == pytest.approx(total - without, rel=1e-4)


def test_of_a_dialogue_the_last_answer_is_scored(pretrained, tiny_folder):
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    task = make_task(
        {"task": "Be brief.", "template": {"text": "{messages}"}, "answer": {"kind": "text", "max_tokens": 4}}
    )
    said = [("user", "a film"), ("assistant", "great"), ("user", "why ?"), ("assistant", "the cast is warm and funny")]
    record = Record({"messages": [{"role": role, "content": text} for role, text in said]}, "r:1")
    example = to_example(record, ["messages"], task.data, kind_of(task.answer), need_answer=True)
    run = zero_shot(task, {}, pretrained)
    [own] = TextScorer(pretrained, run).answers([example])
    [row] = bind(run.task, {}, pretrained).encode([example])
    tokenizer = pretrained.tokenizer
    assert tokenizer.decode(row.ids) == "Be brief.\n\nUser: a film\nAssistant: great<eos>\nUser: why ?\nAssistant:"
    answer = [*tokenizer(" the cast is warm and funny")["input_ids"], tokenizer.eos_token_id]
    with torch.no_grad():
        logits = model(torch.tensor([[*row.ids, *answer]])).logits[0]
    expected = cross_entropy(logits[-len(answer) - 1 : -1], torch.tensor(answer), reduction="sum")
    assert (own.tokens, own.bytes) == (len(answer), len("the cast is warm and funny"))
    assert own.nats == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("name", ["soft_prompt", "prefix", "p_tuning", "late_prompt", "lora", "ia3", "full"])
def test_a_row_is_scored_alike_alone_and_in_any_batch(pretrained, name, monkeypatch):
    scorer = TextScorer(pretrained, made(pretrained, {"name": name}))
    texts, answers = list(scorer.texts([[t] for t in TEXTS])), list(scorer.answers(ROWS))
    for text, own in zip(TEXTS, texts, strict=True):
        [alone] = scorer.texts([[text]])
        assert alone.tokens == own.tokens
        assert alone.nats == pytest.approx(own.nats, rel=1e-4)
    for row, own in zip(ROWS, answers, strict=True):
        [alone] = scorer.answers([row])
        assert alone.nats == pytest.approx(own.nats, rel=1e-4)
    monkeypatch.setattr(perplexity, "PASS_TOKENS", 30)
    again = list(scorer.texts([[t] for t in TEXTS]))
    assert [x.nats for x in again] == pytest.approx([x.nats for x in texts], rel=1e-4)


def test_a_long_text_is_tokenised_in_blocks_and_scored_as_whole(pretrained, monkeypatch):
    scorer = TextScorer(pretrained)
    lines = "a great film\n\n  and 好吃 the cast , awful\nfrom start to end\n" * 6
    for text in (lines, lines.replace("\n", " "), "好吃" * 100):
        [whole] = scorer.texts([[text]], context=32, stride=9)
        with monkeypatch.context() as small:
            small.setattr(perplexity, "BLOCK", 40)
            blocks = list(perplexity._blocks([text[:5], text[5:300], text[300:]]))
            [found] = scorer.texts([[text[:5], text[5:300], text[300:]]], context=32, stride=9)
        assert "".join(blocks) == text
        assert len(blocks) > 3
        assert found.bytes == whole.bytes
        if "\n" in text or " " in text:
            assert found.tokens == whole.tokens
            assert found.nats == pytest.approx(whole.nats, rel=1e-5)


def test_texts_are_read_as_they_are_scored(pretrained, monkeypatch):
    monkeypatch.setattr(perplexity, "PASS_TOKENS", 20)
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield ["a great film"]

    found = TextScorer(pretrained).texts(endless())
    assert next(found).tokens == next(found).tokens > 0
    assert len(taken) < 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"context": 300}, "a context of 300 tokens is asked for, and the backbone's is 256. Set it to 256 or less."),
        (
            {"context": 8, "stride": 8},
            "a stride of 8 tokens is asked for, and a window can add 7 at most. Set it to 7 or less.",
        ),
        ({"context": 1}, "a context of 1 tokens has no room for text behind the 0 of the prompt. Raise it."),
    ],
)
def test_windows_that_cannot_be(pretrained, settings, message):
    with pytest.raises(TrimtabError) as error:
        TextScorer(pretrained).texts([["a"]], **settings)
    assert str(error.value) == message


def test_rows_that_do_not_fit(pretrained):
    scorer = TextScorer(pretrained, made(pretrained, {"length": 4}))
    long = TextExample({"text": "x"}, "y", "rows.jsonl:7", references=("great " * 300,))
    with pytest.raises(TrimtabError) as error:
        list(scorer.answers([long]))
    tokens = len(pretrained.tokenizer(" " + "great " * 300)["input_ids"])
    assert str(error.value).startswith("rows.jsonl:7: input and answer are ")
    assert str(error.value).endswith(" fit. Shorten the answer, or lower template.max_tokens.")
    assert tokens > 256


def test_what_cannot_be_scored(pretrained, tmp_path):
    with pytest.raises(TrimtabError) as error:
        TextScorer(pretrained).answers(ROWS)
    assert str(error.value) == "a bare backbone has no template that rows could be read by. Give a run."
    inside = made(pretrained, {"length": 4}, template={"text": "{text}{soft:2}{answer}"})
    with pytest.raises(TrimtabError) as error:
        TextScorer(pretrained, inside).texts([["a"]])
    assert str(error.value) == (
        "what this run's prompt holds depends on the row, and a plain text is none. Score rows and their answers."
    )
    assert len(list(TextScorer(pretrained, inside).answers(ROWS))) == 3
    head = made(pretrained, {"name": "head"}, answer="number")
    with pytest.raises(TrimtabError) as error:
        TextScorer(pretrained, head).answers(ROWS)
    assert str(error.value) == (
        "this run's answers are scored by a trained layer, which says no tokens. Score a field's text."
    )


@pytest.mark.parametrize(
    ("save_it", "name", "kind"),
    [
        (encoders.save_encoder, "bert", "an encoder"),
        (encoders.save_encoder, "bare", "an encoder"),
        (encoder_decoders.save_encoder_decoder, "t5", "an encoder-decoder"),
    ],
)
def test_only_causal_backbones(tmp_path, save_it, name, kind):
    folder = save_it(tmp_path / "model", name)
    other = load(folder, tmp_path / "cache", name=str(folder), precision="float32")
    with pytest.raises(TrimtabError) as error:
        TextScorer(other)
    family = "t5" if name == "t5" else "bert"
    assert str(error.value) == (
        f"perplexity is about the next token, and a backbone of type '{family}' is {other.backbone.title}. "
        "Choose a causal language model."
    )
    assert kind in str(error.value)
