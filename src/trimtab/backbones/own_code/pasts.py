"""What is said where keys and values are to stand before rows that a model's own code reads."""

from __future__ import annotations

from trimtab.errors import BackboneError


def no_past(model_type: str) -> BackboneError:
    """The error where a prompt has a past."""
    return BackboneError(
        f"a prefix is keys and values, and the layers of a backbone of type '{model_type}' are run by their own code, "
        "which takes none.",
        "Choose method soft_prompt, p_tuning, lora or head, or another backbone.",
    )
