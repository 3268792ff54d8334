"""Label scores against a by-hand sum of log-softmax over the whole vocabulary, word by word, on the untouched model."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM

from closeness import assert_near
from trimtab.decoding import scoring
from trimtab.decoding.readers import WordReader
from trimtab.decoding.scoring import Query, passes, read_scores
from trimtab.prompts import Verbalizer, make_verbalizer

TEXTS = ("a great film", "the plot is boring , the cast cold", "这家店好吃，很快。", "x")
SETS = {
    "one token each": {"negative": ["negative"], "positive": ["positive"]},
    "several tokens": {"no": ["not a good film"], "yes": ["a good film"], "so": ["a great film"]},
    "several words": {"no": ["negative", "awful film"], "yes": ["positive", "good"], "so": ["so so"]},
    "several words of one token": {"no": ["negative", "awful"], "yes": ["positive", "great"]},
    "one word begins another": {"no": ["good"], "yes": ["good film"]},
    "Chinese": {"好评": ["好评", "很满意"], "差评": ["差评"]},
}


@pytest.fixture(scope="module")
def oracle(tiny_folder):
    return AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()


@pytest.fixture(scope="module")
def prompts(pretrained):
    generator = torch.Generator().manual_seed(0)
    scale = pretrained.backbone.embedding_rms
    return [torch.randn(n, pretrained.backbone.hidden_size, generator=generator) * scale for n in (5, 0, 3)]


def verbalizer(pretrained, name: str, normalise: bool = False, branches: bool = False):
    return make_verbalizer(
        SETS[name], pretrained.tokenizer, before="Answer:", length_normalise=normalise, branches=branches
    )


def queries(pretrained, made, prompt: int = 0) -> list[Query]:
    rows = [tuple(pretrained.tokenizer(f"Text: {text}\nAnswer:")["input_ids"]) for text in TEXTS]
    return [Query(ids, prompt, WordReader(made)) for ids in rows]


def by_hand(oracle, ids: tuple[int, ...], made: Verbalizer, prompt: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of the labels: each word read alone behind the row, its tokens' log-softmax added up."""
    words = []
    for word in made.words:
        whole = torch.cat([prompt, oracle.get_input_embeddings()(torch.tensor([*ids, *word.ids]))])
        with torch.no_grad():
            scores = torch.log_softmax(oracle(inputs_embeds=whole[None], use_cache=False).logits[0].double(), -1)
        at = len(prompt) + len(ids) - 1
        if made.branches:
            known = [own.ids for own in made.words]
            total = torch.zeros((), dtype=torch.float64)
            for i, token in enumerate(word.ids):
                allowed = sorted({own[i] for own in known if own[:i] == word.ids[:i] and len(own) > i})
                total = total + torch.log_softmax(scores[at + i, allowed], -1)[allowed.index(token)]
        else:
            total = sum(scores[at + i, token] for i, token in enumerate(word.ids))
        words.append(total / len(word.ids) if made.length_normalise else total)
    labels = [
        torch.logsumexp(torch.stack([s for s, w in zip(words, made.words, strict=True) if w.label == label]), 0)
        for label in range(len(made.labels))
    ]
    return torch.log_softmax(torch.stack(labels), 0).float()


def answers(pretrained, asked, prompts) -> list[torch.Tensor]:
    with torch.no_grad():
        state = pretrained.backbone.read_prefix(prompts)
    out = dict(read_scores(pretrained.backbone, asked, state))
    assert sorted(out) == list(range(len(asked)))
    return [out[i] for i in range(len(asked))]


@pytest.mark.parametrize("branches", [False, True], ids=["vocabulary", "branches"])
@pytest.mark.parametrize("normalise", [False, True], ids=["sum", "mean"])
@pytest.mark.parametrize("name", SETS)
def test_scores_equal_the_sum_over_tokens(pretrained, oracle, prompts, name, normalise, branches):
    made = verbalizer(pretrained, name, normalise, branches)
    asked = queries(pretrained, made)
    expected = torch.stack([by_hand(oracle, query.ids, made, prompts[0]) for query in asked])
    assert_near(torch.stack(answers(pretrained, asked, prompts)), expected)


def test_words_of_one_token_are_a_softmax_over_their_logits(pretrained, oracle, prompts):
    made = verbalizer(pretrained, "one token each")
    for query, scores in zip(
        queries(pretrained, made), answers(pretrained, queries(pretrained, made), prompts), strict=True
    ):
        whole = torch.cat([prompts[0], oracle.get_input_embeddings()(torch.tensor(query.ids))])
        with torch.no_grad():
            logits = oracle(inputs_embeds=whole[None], use_cache=False).logits[0, -1]
        only = torch.stack([logits[word.ids[0]] for word in made.words])
        assert_near(scores.exp(), torch.softmax(only, 0))


@pytest.mark.parametrize("tokens", [10_000, 40], ids=["one pass", "several passes"])
def test_label_sets_and_prompts_mix_in_one_call(pretrained, prompts, monkeypatch, tokens):
    monkeypatch.setattr(scoring, "PASS_TOKENS", tokens)
    asked = [
        query
        for i, name in enumerate(SETS)
        for query in queries(pretrained, verbalizer(pretrained, name, normalise=bool(i % 2)), prompt=i % 3)
    ]
    together = answers(pretrained, asked, prompts)
    for query, scores in zip(asked, together, strict=True):
        alone = answers(pretrained, [query], prompts)[0]
        assert_near(scores, alone)


def test_full_vocabulary_scores_in_pieces_are_the_same(pretrained, prompts, monkeypatch):
    asked = queries(pretrained, verbalizer(pretrained, "several tokens"))
    whole = answers(pretrained, asked, prompts)
    monkeypatch.setattr(scoring, "PIECE", 1)
    torch.testing.assert_close(answers(pretrained, asked, prompts), whole, atol=1e-6, rtol=1e-6)


def test_rows_without_any_prompt(pretrained, oracle):
    made = verbalizer(pretrained, "several tokens")
    asked = queries(pretrained, made)
    found = dict(read_scores(pretrained.backbone, asked, None))
    for i, query in enumerate(asked):
        nothing = torch.zeros(0, pretrained.backbone.hidden_size)
        assert_near(found[i], by_hand(oracle, query.ids, made, nothing))


def test_passes_hold_so_many_tokens_or_as_many_as_padding_makes_of_them(monkeypatch):
    monkeypatch.setattr(scoring, "PASS_TOKENS", 14)
    sizes = [4, 3, 9, 20, 4, 3]
    assert list(passes(sizes)) == [[1, 5, 0, 4], [2], [3]]
    assert list(passes(sizes, padded=True)) == [[1, 5, 0], [4], [2], [3]]
    assert list(passes(sizes, [2, 1, 3, 0, 4, 5], padded=True)) == [[2], [1], [3], [0, 4, 5]]
