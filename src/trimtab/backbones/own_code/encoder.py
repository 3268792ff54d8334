"""Encoders of any build behind the interface of backbone.py, run by their own code over padded rows.

Knows nothing about tasks or labels. R tokens of all rows, M wanted tokens, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from trimtab.backbones.encoder import EncoderBackbone
from trimtab.backbones.layout import Layout, Row
from trimtab.backbones.own_code.padding import gathered, padded
from trimtab.backbones.own_code.pasts import no_past
from trimtab.backbones.pooling import pooled
from trimtab.backbones.prefix import PrefixState, Prompt, as_prompts


class OwnCodeEncoder(EncoderBackbone):
    """A frozen encoder whose layers are run as they are: DeBERTa, MPNet and others with attention of their own.

    Args:
        model: a transformers masked language model or bare encoder; frozen, and put in evaluation mode.
    """

    title = "an encoder that is run by its own code"
    past_may_take_positions = False
    own_attention = True

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """See Backbone: there is nothing to read before rows."""
        given = as_prompts(prompts)
        if any(prompt.past is not None or prompt.length for prompt in given):
            raise no_past(self.config.model_type)
        shifts = tuple(prompt.shift for prompt in given)
        return PrefixState((), (0,) * len(given), tuple(prompt.soft for prompt in given), shifts)

    def forward(
        self,
        rows: Layout | Sequence[Row],
        prefix: PrefixState | Sequence[Prompt | torch.Tensor] | None = None,
        *,
        wanted: torch.Tensor | None = None,
        checkpointing: bool = False,
    ) -> torch.Tensor:
        """See Backbone."""
        state = prefix if isinstance(prefix, PrefixState) else self.read_prefix(prefix or ())
        layout = rows if isinstance(rows, Layout) else self.pack(rows)
        x_RD = self.embed_rows(layout, state.soft)
        every = torch.cat([x_RD, x_RD.new_zeros(1, x_RD.shape[1])])
        parts = []
        with self.passing(None, self._below_output, checkpointing=checkpointing) as model:
            for batch in padded(layout, ()):
                self.check_length(batch.taken_nL.shape[1])
                mask = batch.inside_nL.long().to(self.device)
                parts.append((batch, model(inputs_embeds=every[batch.taken_nL], attention_mask=mask)[0]))
        wanted = layout.answers_B if wanted is None else wanted
        if self.scores_words:
            return gathered(parts, wanted)
        return pooled(gathered(parts, torch.arange(len(layout))), layout, wanted)
