"""What the settings of every method are, and the bounds of numbers. Knows nothing about any one method."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Base of all settings: unknown names are errors, numbers are finite, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# Largest seed: numpy and scikit-learn take no larger ones, and seeds times a step must stay below 2^63.
LARGEST_SEED = 2**32 - 1


# Largest number of rows, steps, evaluations: nobody has more, and what is larger is a slip.
MANY = 1_000_000_000


# Largest cache: 100 terabytes.
MEGABYTES = 100_000_000


CACHE = "Memory for the rows' hidden states; what does not fit is computed every time."


class MethodBase(Settings):
    """Base of every method's settings.

    Attributes:
        title: the method's name in a sentence.
        rate_unit: what its learning rate is multiplied by, in words; nothing where it is absolute.
        by_peft: whether the PEFT library makes it, which comes as an extra.
        changes_weights: whether the backbone's own weights are changed, so that its runs share no passes with others.
    """

    title: ClassVar[str]
    rate_unit: ClassVar[str] = ""
    by_peft: ClassVar[bool] = False
    changes_weights: ClassVar[bool] = False

    @property
    def fitted(self) -> bool:
        """Whether what is trained is found at once, and not in steps."""
        return False

    @property
    def described(self) -> str:
        """The title, with its length and the demonstrations that it starts from, where it has them."""
        length = f"{getattr(self, 'length', '')}-token " if hasattr(self, "length") else ""
        if getattr(self, "init", None) != "demonstrations":
            return f"{length}{self.title}"
        return f"{length}{self.title} from {getattr(self, 'demonstrations', None)} demonstrations"
