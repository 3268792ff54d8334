"""Where a soft prompt starts, and how it conditions the backbone."""

from __future__ import annotations

import pytest
import torch

from trimtab.errors import TrimtabError
from trimtab.methods.choose import make_method
from trimtab.methods.method import Material
from trimtab.prompts import make_verbalizer
from trimtab.settings.methods import SoftPromptSettings


def material(pretrained, task="is the film good ?", words=("negative", "positive"), slots=0) -> Material:
    verbalizer = make_verbalizer({word: [word] for word in words}, pretrained.tokenizer, lead=" ", before="Answer:")
    return Material(pretrained.backbone, pretrained.tokenizer, task, verbalizer, slots=slots)


def initial(pretrained, seed=0, task="is the film good ?", **settings) -> torch.Tensor:
    made = make_method(SoftPromptSettings(**settings), material(pretrained, task), read_prompt=None)
    return made.initial(seed)["prompt"]


def embedded(pretrained, ids, length):
    """The embeddings of `ids`, repeated up to `length`, in units of their RMS."""
    weight = pretrained.backbone.embedding.weight
    repeated = [ids[i % len(ids)] for i in range(length)]
    return weight[repeated] / weight.square().mean().sqrt()


@pytest.mark.parametrize("length", [3, 40])
def test_text_starts_repeat_or_cut_the_text_and_differ_by_a_little_noise(pretrained, length):
    tokenizer = pretrained.tokenizer
    starts = {
        "task": (initial(pretrained, length=length), tokenizer("is the film good ?")["input_ids"]),
        "text": (
            initial(pretrained, length=length, init="text", init_text="a great film"),
            tokenizer("a great film")["input_ids"],
        ),
        "labels": (
            initial(pretrained, length=length, init="labels"),
            tokenizer(" negative")["input_ids"] + tokenizer(" positive")["input_ids"],
        ),
        "task without a description": (
            initial(pretrained, length=length, task=""),
            tokenizer(" negative")["input_ids"] + tokenizer(" positive")["input_ids"],
        ),
    }
    for start, ids in starts.values():
        assert (start.shape, start.dtype) == ((length, 32), torch.float32)
        noise = start - embedded(pretrained, ids, length)
        assert noise.square().mean().sqrt().item() == pytest.approx(0.1, rel=0.25)


def test_vocabulary_start_samples_ordinary_tokens(pretrained):
    start = initial(pretrained, init="vocabulary", length=50)
    table = embedded(pretrained, list(range(400)), 400)
    nearest = torch.cdist(start, table).argmin(-1)
    torch.testing.assert_close(start, table[nearest])
    assert len(set(nearest.tolist())) == 50  # no token twice
    assert 0 not in nearest  # the end token is not ordinary
    assert initial(pretrained, init="vocabulary", length=1000).shape == (1000, 32)


def test_random_start_has_the_size_of_embeddings(pretrained):
    start = initial(pretrained, init="random", length=500)
    assert start.square().mean().sqrt().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("init", ["task", "labels", "vocabulary", "random"])
def test_the_start_depends_on_the_seed_alone(pretrained, init):
    assert torch.equal(initial(pretrained, 5, init=init), initial(pretrained, 5, init=init))
    assert not torch.equal(initial(pretrained, 5, init=init), initial(pretrained, 6, init=init))


def test_an_empty_text_to_start_from_is_refused(pretrained):
    for text in (None, ""):
        with pytest.raises(TrimtabError) as caught:
            initial(pretrained, init="text", init_text=text)
        assert str(caught.value) == "method.init is 'text' but method.init_text is empty. Give the text to start from."


def test_dropout_zeroes_its_share_and_scales_the_rest(pretrained):
    prompt, rms = torch.ones(200, 32), pretrained.backbone.embedding_rms
    method = make_method(SoftPromptSettings(dropout=0.25), material(pretrained), read_prompt=None)

    def draw(seed):
        return method.condition({"prompt": prompt}, torch.Generator().manual_seed(seed)).soft

    dropped = draw(1)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    torch.testing.assert_close(dropped[dropped != 0], torch.full((int((dropped != 0).sum()),), rms / 0.75))
    assert torch.equal(dropped, draw(1))
    assert not torch.equal(dropped, draw(2))
    torch.testing.assert_close(method.condition({"prompt": prompt}).soft, prompt * rms)  # none when answering


def test_slots_of_the_template_say_the_length(pretrained):
    method = make_method(SoftPromptSettings(length=9), material(pretrained, slots=6), read_prompt=None)
    assert (method.tokens, method.initial(0)["prompt"].shape) == (0, (6, 32))
