"""Beam search for the text of one row, as transformers does it (`early_stopping=False`). Knows nothing about models.

B beams of a row, V vocabulary.
"""

from __future__ import annotations

import torch

from trimtab.decoding.answer_text import Ask, Line, Words, Written


class BeamSearch:
    """Live texts of a row, their scores, and the best that have ended.

    Attributes:
        lines: the live texts, the best first.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask, self._width = ask, ask.settings.beams
        self.lines = [Line(k, None, ask.constraint and ask.constraint.again()) for k in range(self._width)]
        self._scores = [0.0] + [float("-inf")] * (self._width - 1)
        self._ended: list[tuple[float, Written]] = []

    @property
    def best(self) -> tuple[Written, ...]:
        """The answers that are asked for, once the search is over."""
        found = sorted(self._ended, key=lambda found: -found[0])
        return tuple(written for _, written in found[: self._ask.settings.answers])

    def grow(self, scores_BV: torch.Tensor, logits_BV: torch.Tensor, words: Words) -> list[int]:
        """Put a token behind each live text.

        Args:
            scores_BV: log-probabilities as the settings change them.
            logits_BV: as the backbone gives them.
            words: what tokens read like.

        Returns:
            Which text each of `lines` came from; none where the search is over.
        """
        width, settings = self._width, self._ask.settings
        vocabulary = scores_BV.shape[1]
        total = scores_BV + torch.tensor(self._scores, device=scores_BV.device)[:, None]
        best = total.flatten().topk(min(max(2, 1 + len(words.ends)) * width, total.numel()))
        likelihoods = logits_BV.flatten()[best.indices].tolist()
        lines: list[Line] = []
        scores: list[float] = []
        parents: list[int] = []
        found = zip(best.values.tolist(), best.indices.tolist(), likelihoods, strict=True)
        for rank, (score, place, likelihood) in enumerate(found):
            if score == float("-inf") or len(lines) == width:
                break
            parent, token = divmod(place, vocabulary)
            line = self.lines[parent].again()
            written = line.after(token, likelihood, self._ask, words)
            if written is None:
                lines.append(line)
                scores.append(score)
                parents.append(parent)
            elif rank < width:
                length = len(line.ids) + (written.ended == "end")
                self._ended.append((score / length**settings.length_penalty, written))
        self._ended = sorted(self._ended, key=lambda found: -found[0])[:width]
        if not lines:
            return []
        length = len(lines[0].ids)
        if len(self._ended) == width and scores[0] / length**settings.length_penalty <= self._ended[-1][0]:
            return []  # none can get better than what there is
        while len(lines) < width:  # fewer ways on than beams: the last stands in, without hope
            lines.append(lines[-1].again())
            scores.append(float("-inf"))
            parents.append(parents[-1])
        self.lines, self._scores = lines, scores
        return parents
