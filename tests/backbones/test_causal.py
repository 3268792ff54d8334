"""The shared-prefix paths, fused and plain, against transformers' eager attention with the prompt repeated a row."""

from __future__ import annotations

import pytest
import torch

from closeness import assert_near
from models import ARCHITECTURES, VOCABULARY, tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState, Prompt

FUSED = {"llama", "mistral", "qwen2", "qwen3", "gemma3"}
LENGTHS = (3, 11, 5, 17, 17, 1, 8)


PATHS = [(name, fuse) for name in ARCHITECTURES for fuse in (True, False) if name in FUSED or not fuse]


@pytest.fixture(params=PATHS, ids=[f"{name}-{'fused' if fuse else 'plain'}" for name, fuse in PATHS])
def path(request):
    return request.param


@pytest.fixture
def architecture(path):
    return path[0]


@pytest.fixture
def backbone(path):
    made = CausalBackbone(tiny_model(path[0]), fuse=path[1])
    assert made.fused_layers == (3 if path[1] else 0)
    return made


def texts(seed: int = 1) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(VOCABULARY, (n,), generator=generator).tolist() for n in LENGTHS]


def prompts(backbone, lengths=(6,), seed: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scale = backbone.embedding_rms
    return [(torch.randn(n, backbone.hidden_size, generator=generator) * scale).requires_grad_() for n in lengths]


def repeated(model, rows, prompts) -> torch.Tensor:
    """Oracle: each row alone through the untouched model, its prompt's embeddings put before its own."""
    out = []
    for row in rows:
        own = model.get_input_embeddings()(torch.tensor(row.ids))
        whole = torch.cat([prompts[row.prompt], own]) if prompts else own
        out.append(model(inputs_embeds=whole[None], use_cache=False).logits[0, -1])
    return torch.stack(out)


def loss_of(logits: torch.Tensor) -> torch.Tensor:
    targets = torch.arange(len(logits)) * 7 % VOCABULARY
    return torch.nn.functional.cross_entropy(logits.float(), targets)


@pytest.mark.parametrize("lengths", [(6,), (6, 1, 13)], ids=["one prompt", "three prompts of different length"])
@pytest.mark.parametrize("two_passes", [False, True], ids=["one pass", "read_prefix first"])
def test_shared_path_equals_repeated_path(architecture, backbone, lengths, two_passes):
    oracle = tiny_model(architecture)
    rows = [Row(ids, prompt=i % len(lengths)) for i, ids in enumerate(texts())]
    ours, theirs = prompts(backbone, lengths), prompts(backbone, lengths)
    logits = backbone.logits(backbone.forward(rows, backbone.read_prefix(ours) if two_passes else ours))
    expected = repeated(oracle, rows, theirs)
    assert_near(logits, expected)
    loss, loss_expected = loss_of(logits), loss_of(expected)
    assert_near(loss, loss_expected)
    loss.backward()
    loss_expected.backward()
    for mine, reference in zip(ours, theirs, strict=True):
        assert_near(mine.grad, reference.grad)


def test_rows_without_a_prompt_equal_the_model(architecture, backbone):
    rows = [Row(ids) for ids in texts()]
    logits = backbone.logits(backbone.forward(rows))
    assert_near(logits, repeated(tiny_model(architecture), rows, []))


def test_a_row_does_not_depend_on_its_batch(backbone):
    rows = [Row(ids) for ids in texts()]
    with torch.no_grad():
        state = backbone.read_prefix(prompts(backbone))
        together = backbone.logits(backbone.forward(rows, state))
        alone = torch.cat([backbone.logits(backbone.forward([row], state)) for row in rows])
    assert_near(together, alone)


def test_blocks_do_not_change_a_row(backbone, monkeypatch):
    rows = [Row(ids) for ids in texts()]
    with torch.no_grad():
        whole = backbone.forward(rows, prompts(backbone))
        monkeypatch.setattr("trimtab.backbones.layout.BLOCK_SCORES", 1)
        cut = backbone.forward(rows, prompts(backbone))
    assert_near(whole, cut)


def test_k_prompts_in_one_batch_equal_k_separate_runs(backbone):
    ids = texts()
    many = prompts(backbone, (6, 2, 9))
    rows = [Row(x, prompt=k) for k in range(3) for x in ids]
    hidden = backbone.forward(rows, many)
    loss_of(backbone.logits(hidden)[: len(ids)]).backward()
    assert many[1].grad is None or not many[1].grad.any()
    for k, prompt in enumerate(prompts(backbone, (6, 2, 9))):
        single = backbone.forward([Row(x) for x in ids], [prompt])
        assert_near(hidden[k * len(ids) : (k + 1) * len(ids)], single)
        if k == 0:
            loss_of(backbone.logits(single)).backward()
            assert_near(many[0].grad, prompt.grad)


def test_states_read_apart_join(backbone):
    many = prompts(backbone, (6, 2, 9))
    rows = [Row(x, prompt=i % 3) for i, x in enumerate(texts())]
    with torch.no_grad():
        joined = PrefixState.join([backbone.read_prefix([prompt]) for prompt in many])
        assert_near(backbone.forward(rows, joined), backbone.forward(rows, backbone.read_prefix(many)))


def test_answer_tree_equals_each_branch_alone(architecture, backbone):
    """Nodes 5 -> (7 -> 9, 8) behind each text: scores at every node as if its branch stood alone."""
    nodes, parents = (5, 7, 9, 8), (-1, 0, 1, 0)
    branches = [(5,), (5, 7), (5, 7, 9), (5, 8)]
    trees = [Row([*ids, *nodes], parents=parents) for ids in texts()]
    plain = Row(texts()[1])  # rows with and without a tree mix
    layout = backbone.pack([*trees, plain])
    wanted = torch.tensor(
        [start + row.text_length + i for start, row in zip(layout.starts, trees, strict=False) for i in range(4)]
    )
    with torch.no_grad():
        prompt = prompts(backbone)
        ours = backbone.logits(backbone.forward(layout, prompt, wanted=wanted))
        expected = repeated(tiny_model(architecture), [Row([*ids, *b]) for ids in texts() for b in branches], prompt)
    assert_near(ours, expected)


def test_logits_of_some_words_only(backbone):
    only = torch.tensor([3, 1, 96])
    with torch.no_grad():
        hidden = backbone.forward([Row([1, 2, 3])])
        torch.testing.assert_close(backbone.logits(hidden, only), backbone.logits(hidden)[:, only])


@pytest.mark.parametrize(
    "cuts", [(4,), (4, 0, 9), (6, 1, 2)], ids=["one past", "one without past", "no embeddings left"]
)
@pytest.mark.parametrize("two_passes", [False, True], ids=["one pass", "read_prefix first"])
def test_a_past_and_a_prompt_equal_one_prompt(backbone, cuts, two_passes):
    """The first tokens of each prompt given as keys and values, the rest as embeddings: values and gradients agree."""
    lengths = (6, 1, 13)[: len(cuts)]
    rows = [Row(ids, prompt=i % len(cuts)) for i, ids in enumerate(texts())]
    whole, parted = prompts(backbone, lengths), prompts(backbone, lengths)
    given = []
    for prompt, cut in zip(parted, cuts, strict=True):
        past = backbone.read_prefix([prompt[:cut]]).layers if cut else None
        given.append(Prompt(prompt[cut:], past))
    assert [prompt.length for prompt in given] == list(lengths)
    expected = backbone.logits(backbone.forward(rows, whole))
    ours = backbone.logits(backbone.forward(rows, backbone.read_prefix(given) if two_passes else given))
    assert_near(ours, expected)
    loss_of(ours).backward()
    loss_of(expected).backward()
    for mine, reference in zip(parted, whole, strict=True):
        assert_near(mine.grad, reference.grad)


@pytest.mark.parametrize("two_passes", [False, True], ids=["one pass", "read_prefix first"])
def test_soft_vectors_within_rows_equal_their_embeddings(architecture, backbone, two_passes):
    """Negative ids stand for the soft vectors of a row's own prompt, in any place, beside prompts that have none."""
    oracle = tiny_model(architecture)
    ours, theirs = prompts(backbone, (4, 2), 3), prompts(backbone, (4, 2), 3)
    heads, heads_oracle = prompts(backbone, (3, 5, 2)), prompts(backbone, (3, 5, 2))
    ids = [[5, -1, 7, -4], [-2, -1], [3, 4], [-3, 9, 9, 9, -1, 8], [11, -2], [7], [1, 2, -3]]
    rows = [Row(x, prompt=(0, 2, 1)[i % 3]) for i, x in enumerate(ids)]
    given = [Prompt(heads[0], soft=ours[0]), Prompt(heads[1]), Prompt(heads[2], soft=ours[1])]
    logits = backbone.logits(backbone.forward(rows, backbone.read_prefix(given) if two_passes else given))
    tables, out = (theirs[0], None, theirs[1]), []
    for row in rows:
        words = oracle.get_input_embeddings()(torch.tensor(row.ids).clamp(min=0))
        own = [tables[row.prompt][-1 - i] if i < 0 else words[at] for at, i in enumerate(row.ids)]
        whole = torch.cat([heads_oracle[row.prompt], torch.stack(own)])
        out.append(oracle(inputs_embeds=whole[None], use_cache=False).logits[0, -1])
    assert_near(logits, torch.stack(out))
    loss_of(logits).backward()
    loss_of(torch.stack(out)).backward()
    for mine, reference in zip([*ours, *heads], [*theirs, *heads_oracle], strict=True):
        assert_near(mine.grad, reference.grad)


class Kept:
    """Counts the numbers kept for the backward pass."""

    numbers = 0

    def count(self, x: torch.Tensor) -> torch.Tensor:
        self.numbers += x.numel()
        return x


@pytest.mark.parametrize("adapted", [False, True], ids=["as it is", "with other weights"])
def test_gradient_checkpointing_changes_nothing_but_memory(backbone, adapted):
    """Prompts, pasts and other weights get the same gradients, and far fewer numbers are kept for them."""
    generator = torch.Generator().manual_seed(4)
    name, weight = next(
        (n, w) for n, w in backbone.model.named_parameters() if "proj" in n or "c_attn" in n or "dense" in n
    )
    changed = weight.detach() + 0.1 * torch.randn(weight.shape, generator=generator)
    found = []
    for checkpointing in (False, True):
        first, rest = prompts(backbone, (4,)), prompts(backbone, (5,), 6)
        own = changed.clone().requires_grad_()
        kept = Kept()
        view = backbone.adapted({name: own} if adapted else None)
        past = view.read_prefix(first).layers
        with torch.autograd.graph.saved_tensors_hooks(kept.count, lambda x: x):
            rows = [Row(ids) for ids in texts()]
            hidden = view.forward(rows, [Prompt(rest[0], past)], checkpointing=checkpointing)
        loss = loss_of(backbone.logits(hidden))
        loss.backward()
        gradients = [first[0].grad, rest[0].grad, *([own.grad] if adapted else [])]
        found.append((loss.item(), gradients, kept.numbers))
    (loss, gradients, kept_all), (other_loss, other_gradients, kept_few) = found
    assert abs(loss - other_loss) < 1e-6
    for one, other in zip(gradients, other_gradients, strict=True):
        assert (one - other).norm() <= 1e-5 * one.norm()
    assert kept_few < 0.6 * kept_all
