"""What recurrent language models have in common: embeddings, layers one above another, and output vectors.

They are transformers models, which are saved and opened like any other where this room has been imported. How a layer
goes from one token to the next is said in rnn.py, lstm.py and gru.py. Knows nothing about prompts or training.

B rows, T tokens of the longest, R tokens of all rows, N layers, D hidden, G gates, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

# What a layer goes on from: [B, D] each, the hidden state, and of an LSTM the cell state.
LayerState = tuple[torch.Tensor, ...]
# Of the recurrence, then of the input: weights [G D, D] and biases [G D].
LayerWeights = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class RecurrentConfig(PretrainedConfig):  # type: ignore[misc]
    """Sizes of a recurrent language model.

    Attributes:
        vocab_size: V.
        hidden_size: D, of embeddings and of all layers.
        num_hidden_layers: N.
        dropout: share of embeddings, of what goes from layer to layer, and of what is scored that is set to nothing
            while it is trained (Zaremba et al. 2014).
        tie_word_embeddings: whether embeddings are the output vectors too (Press & Wolf 2017).
    """

    vocab_size: int = 1000
    hidden_size: int = 200
    num_hidden_layers: int = 2
    dropout: float = 0.2
    tie_word_embeddings: bool = True


class RecurrentLayer(nn.Module):
    """The weights of one layer: of what comes in, W and b, and of the state before, U and d, all gates together."""

    def __init__(self, gates: int, size: int) -> None:
        super().__init__()
        self.input = nn.Linear(size, gates * size)
        self.recurrence = nn.Linear(size, gates * size)

    def weights(self) -> LayerWeights:
        """W [G D, D], U [G D, D], b [G D], d [G D]."""
        (w, b), (u, d) = _map_of(self.input), _map_of(self.recurrence)
        return w, u, b, d


def _map_of(module: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of a linear layer; of one that something was put around, LoRA say, what it does to units."""
    if type(module) is nn.Linear:
        return module.weight, module.bias
    size = int(module.in_features)  # type: ignore[arg-type]
    units = torch.cat([torch.zeros(1, size), torch.eye(size)]).to(next(module.parameters()))
    made = module(units)
    return (made[1:] - made[0]).T.to(units.dtype), made[0].to(units.dtype)


class RecurrentForCausalLM(PreTrainedModel):  # type: ignore[misc]
    """A recurrent language model; its kinds say `gates`, `states` and `run`.

    Attributes:
        gates: G.
        states: how many vectors a layer goes on from.
    """

    config_class = RecurrentConfig
    gates: ClassVar[int]
    states: ClassVar[int]
    _tied_weights_keys: ClassVar[dict[str, str]] = {"output.weight": "embedding.weight"}

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(
            RecurrentLayer(self.gates, config.hidden_size) for _ in range(config.num_hidden_layers)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    @staticmethod
    def run(
        x_RD: torch.Tensor, sizes_T: torch.Tensor, state: LayerState, weights: LayerWeights
    ) -> tuple[torch.Tensor, LayerState]:
        """One layer over packed rows, as torch's kernels take them: hidden states [R, D], and the state behind rows.

        Args:
            x_RD: the first token of each row, then the second of each that has one, and so on; the longest row first.
            sizes_T: how many rows have a first token, a second, and so on; on the CPU.
            state: what each row starts from.
            weights: the layer's.
        """
        raise NotImplementedError

    def _init_weights(self, module: nn.Module) -> None:
        """Embeddings small, weights as torch starts those of its own recurrent modules, biases nothing."""
        if isinstance(module, nn.Embedding):
            nn.init.uniform_(module.weight, -0.1, 0.1)
        elif isinstance(module, nn.Linear):
            if module is not self.output:
                bound = module.in_features**-0.5
                nn.init.uniform_(module.weight, -bound, bound)
            nn.init.zeros_(module.bias)

    def get_input_embeddings(self) -> nn.Module:
        """The embeddings [V, D]."""
        return self.embedding

    def get_output_embeddings(self) -> nn.Module:
        """The layer with the output vectors [V, D]."""
        return self.output

    def start(self, rows: int) -> tuple[LayerState, ...]:
        """What rows start from behind nothing: zeros, layer by layer."""
        zeros = self.embedding.weight.new_zeros(rows, self.config.hidden_size)
        return ((zeros,) * self.states,) * len(self.layers)

    def read(
        self, x_RD: torch.Tensor, sizes_T: torch.Tensor, state: Sequence[LayerState]
    ) -> tuple[torch.Tensor, tuple[LayerState, ...]]:
        """All layers over packed embeddings (see `run`): what the output vectors are multiplied with, and the state."""
        ends = []
        for layer, before in zip(self.layers, state, strict=True):
            x_RD, end = self.run(self.dropout(x_RD), sizes_T, before, layer.weights())  # type: ignore[operator]
            ends.append(end)
        return self.dropout(x_RD), tuple(ends)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **_: Any,
    ) -> CausalLMOutput:
        """Scores [B, T, V] of the token behind each; rows are of one length, and start from zeros.

        Args:
            input_ids: [B, T], or in their place
            inputs_embeds: [B, T, D].
            labels: [B, T], of which each is foretold by the token before it; -100 where none is. Asks for the loss.
        """
        x_BTD = self.embedding(input_ids) if inputs_embeds is None else inputs_embeds
        B, T, D = x_BTD.shape
        hidden, _end = self.read(x_BTD.transpose(0, 1).reshape(T * B, D), torch.full((T,), B), self.start(B))
        logits = self.output(hidden).view(T, B, -1).transpose(0, 1)
        if labels is None:
            return CausalLMOutput(logits=logits)
        return CausalLMOutput(
            loss=F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()), logits=logits
        )
