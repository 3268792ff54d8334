"""Modified Kneser-Ney by dictionaries and the definition, word for word: what the fast estimates are held against."""

from __future__ import annotations

from collections import Counter, defaultdict

Gram = tuple[int, ...]


class Brute:
    """The model of sentences (without `<s>`, which is `words`, but with their ends)."""

    def __init__(self, sentences: list[list[int]], words: int, order: int) -> None:
        self.words, self.order = words, order
        texts = [(words, *sentence) for sentence in sentences]
        seen: list[Counter[Gram]] = [
            Counter(text[i : i + n] for text in texts for i in range(len(text) - n + 1)) for n in range(1, order + 1)
        ]
        self.a: list[dict[Gram, int]] = []
        for n in range(1, order + 1):
            before = defaultdict(set)
            if n < order:
                for gram in seen[n]:
                    before[gram[1:]].add(gram[0])
            self.a.append({
                gram: count if n == order or gram[0] == words else len(before[gram])
                for gram, count in seen[n - 1].items()
                if gram != (words,)
            })  # fmt: skip
        self.d = [self._discounts(list(own.values())) for own in self.a]

    @staticmethod
    def _discounts(values: list[int]) -> list[float]:
        n = [0, *(sum(value == k for value in values) for k in (1, 2, 3, 4))]
        if 0 not in n[1:4]:
            y = n[1] / (n[1] + 2 * n[2])
            d = [0.0, *(k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))]
            if all(0 <= d[k] <= k for k in (1, 2, 3)):
                return d
        return [0.0, 0.5, 1.0, 1.5]

    def p(self, word: int, context: Gram) -> float:
        n = len(context)
        own, d = self.a[n], self.d[n]
        behind = {gram: a for gram, a in own.items() if gram[:-1] == context}
        lower = 1 / self.words if n == 0 else self.p(word, context[1:])
        total = sum(behind.values())
        if total == 0:
            return lower
        a = behind.get((*context, word), 0)
        gamma = sum(d[min(value, 3)] for value in behind.values()) / total
        return max(a - d[min(a, 3)], 0) / total + gamma * lower
