"""P-tuning: its prompt worked out by hand."""

from __future__ import annotations

import pytest
import torch
from made_methods import method_of
from torch.nn import functional as F


@pytest.mark.parametrize("encoder", ["mlp", "lstm"])
def test_p_tuning_by_hand(pretrained, encoder):
    method = method_of(pretrained, {"name": "p_tuning", "length": 3, "hidden": 6, "encoder": encoder})
    tensors = method.initial(0)
    x = tensors["input"]
    if encoder == "mlp":
        w = [tensors[f"network.{i}.weight"] for i in (0, 2, 4)]
        b = [tensors[f"network.{i}.bias"] for i in (0, 2, 4)]
        made = F.linear(F.relu(F.linear(F.relu(F.linear(x, w[0], b[0])), w[1], b[1])), w[2], b[2])
    else:
        lstm = torch.nn.LSTM(32, 6, num_layers=2, bidirectional=True)
        lstm.load_state_dict(
            {key.removeprefix("network.lstm."): v for key, v in tensors.items() if key.startswith("network.lstm.")}
        )
        w = [tensors[f"network.head.{i}.weight"] for i in (0, 2)]
        b = [tensors[f"network.head.{i}.bias"] for i in (0, 2)]
        made = F.linear(F.relu(F.linear(lstm(x)[0], w[0], b[0])), w[1], b[1])
    torch.testing.assert_close(method.condition(tensors).soft, (x + made) * pretrained.backbone.embedding_rms)
    assert method.factor("input") == 1.0
    assert method.factor("network.0.weight") < 1.0
