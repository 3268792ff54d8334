"""What is read of rows: words, own options, and what heads say, mixed in one call, each against the untouched model."""

from __future__ import annotations

import pytest
import torch
from test_scoring import by_hand
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from closeness import assert_near
from trimtab.decoding import scoring
from trimtab.decoding.readers import HeadReader, NumberReader, OptionReader, TokenReader, WordReader
from trimtab.decoding.scoring import Query, read_scores
from trimtab.prompts import make_options, make_verbalizer

TEXTS = ("a great film", "the plot is boring , the cast cold", "这家店好吃，很快。")
OPTIONS = (("good", "bad", "so so"), ("好吃", "难吃"), ("not a good film", "a good film and warm"))


@pytest.fixture(scope="module")
def oracle(tiny_folder):
    return AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()


def head(classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(classes, 32, generator=generator), torch.randn(classes, generator=generator)


def states(oracle, prompt: torch.Tensor, ids: tuple[int, ...]) -> torch.Tensor:
    """Final hidden states [T, D] of a row alone behind its prompt."""
    whole = torch.cat([prompt, oracle.get_input_embeddings()(torch.tensor(ids))])
    with torch.no_grad():
        return oracle.model(inputs_embeds=whole[None], use_cache=False).last_hidden_state[0, len(prompt) :]


@pytest.mark.parametrize("tokens", [10_000, 40], ids=["one pass", "several passes"])
def test_readers_mix_in_one_call(pretrained, oracle, monkeypatch, tokens):
    """Two runs' words and heads, rows with their own options, numbers and tags, behind two prompts."""
    monkeypatch.setattr(scoring, "PASS_TOKENS", tokens)
    tokenizer, backbone = pretrained.tokenizer, pretrained.backbone
    generator = torch.Generator().manual_seed(0)
    prompts = [torch.randn(n, 32, generator=generator) * backbone.embedding_rms for n in (3, 5)]
    sets = ({"no": ["not good", "bad"], "yes": ["good"]}, {"no": ["negative"], "yes": ["positive"]})
    words = [make_verbalizer(own, tokenizer, before="Answer:") for own in sets]
    heads, scale, tags = [head(3, 1), head(2, 2)], head(1, 3), head(4, 4)
    queries, expected = [], []
    for i, text in enumerate(TEXTS):
        ids = tuple(tokenizer(f"Text: {text}\nAnswer:")["input_ids"])
        own = make_options(OPTIONS[i], tokenizer, "x", before="Answer:", length_normalise=True)
        for k, prompt in enumerate(prompts):
            hidden = states(oracle, prompt, ids)
            queries += [
                Query(ids, k, WordReader(words[k])),
                Query(ids, k, OptionReader(own)),
                Query(ids, k, HeadReader(heads[k])),
                Query(ids, k, NumberReader(scale)),
                Query(ids, k, TokenReader(tags), read_at=(0, 2)),
                Query(ids, k, HeadReader(heads[k]), answer=1),
            ]
            expected += [
                by_hand(oracle, ids, words[k], prompt),
                by_hand(oracle, ids, own, prompt),
                torch.log_softmax(F.linear(hidden[-1], *heads[k]), -1),
                F.linear(hidden[-1], *scale),
                torch.log_softmax(F.linear(hidden[[0, 2]], *tags), -1),
                torch.log_softmax(F.linear(hidden[1], *heads[k]), -1),
            ]
    with torch.no_grad():
        state = backbone.read_prefix(prompts)
    found = dict(read_scores(backbone, queries, state))
    assert sorted(found) == list(range(len(queries)))
    for i, scores in enumerate(expected):
        assert_near(found[i], scores)


def test_options_of_a_row_may_be_as_many_as_they_like(pretrained, oracle):
    ids = tuple(pretrained.tokenizer("Answer:")["input_ids"])
    for count in (2, 3, 7):
        options = [f"{word} film" for word in ("good", "bad", "great", "awful", "cold", "warm", "funny")[:count]]
        own = make_options(options, pretrained.tokenizer, "x", before="Answer:", length_normalise=False)
        [(_, found)] = read_scores(pretrained.backbone, [Query(ids, 0, OptionReader(own))], None)
        assert_near(found, by_hand(oracle, ids, own, torch.zeros(0, 32)))
        assert len(found) == count


def test_calibration_is_taken_off_and_normalised_again(pretrained):
    """softmax(log p - log c): what is left where c is p is the same for all labels."""
    ids = tuple(pretrained.tokenizer("a film")["input_ids"])
    reader = HeadReader(head(3, 1))
    [(_, plain)] = read_scores(pretrained.backbone, [Query(ids, 0, reader)], None)
    free = torch.tensor([-0.5, -2.0, -1.5])
    [(_, found)] = read_scores(pretrained.backbone, [Query(ids, 0, reader, free)], None)
    weighted = plain.exp() / free.exp()
    torch.testing.assert_close(found.exp(), weighted / weighted.sum())
    [(_, even)] = read_scores(pretrained.backbone, [Query(ids, 0, reader, plain)], None)
    torch.testing.assert_close(even.exp(), torch.full((3,), 1 / 3))


def test_the_mean_of_several_prompts_is_that_of_probabilities_or_of_numbers(pretrained):
    scores = torch.tensor([0.5, -1.0, 2.0])
    own = make_options(("good", "bad", "so"), pretrained.tokenizer, "x", length_normalise=False)
    words = make_verbalizer({"a": ["good"], "b": ["bad"], "c": ["so"]}, pretrained.tokenizer)
    for reader in (WordReader(words), OptionReader(own), HeadReader(head(3, 1)), TokenReader(head(3, 1))):
        torch.testing.assert_close(reader.averaged(reader.finished(scores)), torch.softmax(scores, -1))
    number = NumberReader(head(1, 1))
    assert torch.equal(number.averaged(number.finished(scores)), scores)


def test_only_rows_that_are_read_alike_are_of_one_group(pretrained):
    one, other = (make_verbalizer({"a": ["good"], "b": ["bad"]}, pretrained.tokenizer) for _ in range(2))
    heads = head(2, 1), head(2, 1)
    assert WordReader(one).group == WordReader(one).group != WordReader(other).group
    assert HeadReader(heads[0]).group == HeadReader(heads[0]).group != HeadReader(heads[1]).group
    assert OptionReader(one).group == OptionReader(other).group  # whose trees may differ
    assert len({WordReader(one).group, OptionReader(one).group, HeadReader(heads[0]).group}) == 3
    assert (WordReader(one).nodes, WordReader(one).parents) == (one.node_ids, one.parents)
    assert (HeadReader(heads[0]).nodes, HeadReader(heads[0]).parents) == ((), ())
