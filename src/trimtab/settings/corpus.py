"""Every setting of a corpus file, declared once. Knows nothing about how a language model is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from trimtab.settings.methods.base import LARGEST_SEED, MANY, Settings
from trimtab.settings.task import Encoding, Precision, Sources


class CorpusDataSettings(Settings):
    """Where texts are and how they are read."""

    train: Sources = Field(
        description="Texts to train on: a text (.txt, .md, ... packed or not), rows (.jsonl, .json, .csv, .tsv, "
        ".parquet), a folder of such, a pattern (`part-*.txt.gz`), `hub:NAME[:CONFIGURATION][:SPLIT]`, or several. "
        "Relative paths start at the corpus file.",
    )
    dev: Sources | None = Field(None, description="Texts to choose on. Where absent, the share `held_out` of train.")
    test: Sources | None = Field(None, description="Texts to report on, once.")
    field: str = Field("text", min_length=1, description="Column of rows that holds the text.")
    document: Literal["paragraph", "line", "file"] = Field(
        "paragraph",
        description="What a document of a text is: what stands between blank lines, a line, or the whole file. Of rows "
        "each is a document. N-grams read nothing across the end of one; recurrent models and transformers read on, "
        "past a token that stands for it.",
    )
    encoding: Encoding = Field(
        "utf-8", description="Text encoding, by any name that Python knows: `latin-1`, `gb18030`, `utf-16`."
    )
    held_out: float = Field(
        0.05,
        gt=0,
        lt=0.9,
        description="Share of the documents of train that is set aside where no dev is given, by a hash of each.",
    )
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="Seed of what is set aside.")

    @field_validator("train", "dev", "test")
    @classmethod
    def _check_sources(cls, value: str | list[str] | None) -> str | list[str] | None:
        """Refuse standard input, which can be read only once."""
        if value == "-" or (isinstance(value, list) and "-" in value):
            raise ValueError("a corpus is read more than once, which standard input cannot be: name a file")
        return value


class TokenizerSettings(Settings):
    """What a token is. The vocabulary is found in train."""

    kind: Literal["word", "character", "bpe", "unigram"] = Field(
        "word",
        description="`word`: words and marks, Chinese segmented; `character`: each character; `bpe`: byte-level pairs "
        "(Sennrich et al. 2016); `unigram`: pieces of bytes by a unigram model (Kudo 2018). The last two have a token "
        "for whatever text; the others write `<unk>` for what is not in their vocabulary.",
    )
    size: int | None = Field(
        None,
        ge=8,
        le=2_000_000,
        description="Largest vocabulary; 50,000 words, 5,000 characters or 8,000 pieces by default, of which 256 are "
        "the bytes.",
    )
    split: Literal["marks", "spaces"] = Field(
        "marks",
        description="Where words end: at marks and white space, or at white space alone, for texts that are cut into "
        "tokens already, as WikiText is.",
    )


class NgramSettings(Settings):
    """Interpolated modified Kneser-Ney n-grams (Chen and Goodman 1999)."""

    kind: Literal["ngram"] = "ngram"
    order: int = Field(5, ge=1, le=12, description="Tokens of the longest n-grams.")


class HmmSettings(Settings):
    """A hidden Markov model, trained by Baum-Welch (Rabiner 1989)."""

    kind: Literal["hmm"] = "hmm"
    states: int = Field(32, ge=1, le=4096, description="Hidden states; time grows with their square.")
    iterations: int = Field(20, ge=1, le=10_000, description="Passes over train, each of which makes it likelier.")
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="Seed of the random start.")


class RecurrentSettings(Settings):
    """A recurrent network: embeddings that are the output vectors too, and layers of one width."""

    layers: int = Field(2, ge=1, le=64, description="Layers, one above another.")
    width: int = Field(200, ge=1, le=16_384, description="Size of embeddings and of all hidden states.")
    dropout: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="Share of embeddings, of what goes from layer to layer, and of what is scored that is set to "
        "nothing in training (Zaremba et al. 2014).",
    )


class RNNSettings(RecurrentSettings):
    """The simple recurrent network (Elman 1990)."""

    kind: Literal["rnn"] = "rnn"


class LSTMSettings(RecurrentSettings):
    """Long short-term memory (Hochreiter and Schmidhuber 1997)."""

    kind: Literal["lstm"] = "lstm"


class GRUSettings(RecurrentSettings):
    """The gated recurrent unit (Cho et al. 2014)."""

    kind: Literal["gru"] = "gru"


# Tokens that a transformer reads at least, so that a task's rows and prompt fit.
SHORTEST_CONTEXT = 32
# Layers, width and heads of a transformer.
SIZES = {"tiny": (4, 128, 4), "small": (6, 384, 6), "base": (12, 768, 12)}


class TransformerSettings(Settings):
    """A causal decoder of Llama's kind (Vaswani et al. 2017, Touvron et al. 2023): rotary positions, gated layers."""

    kind: Literal["transformer"] = "transformer"
    size: Literal["tiny", "small", "base"] = Field(
        "small", description="Layers, width and heads: `tiny` 4, 128, 4; `small` 6, 384, 6; `base` 12, 768, 12."
    )
    layers: int | None = Field(None, ge=1, le=256, description="Layers, in place of the size's.")
    width: int | None = Field(
        None, ge=2, le=16_384, description="Size of embeddings and hidden states, in place of the size's."
    )
    heads: int | None = Field(
        None, ge=1, le=256, description="Attention heads, in place of the size's; each has an even share of the width."
    )

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Layers, width and heads."""
        layers, width, heads = SIZES[self.size]
        return self.layers or layers, self.width or width, self.heads or heads

    @model_validator(mode="after")
    def _check_heads(self) -> TransformerSettings:
        """Refuse widths that heads cannot share."""
        _, width, heads = self.sizes
        if width % (2 * heads):
            raise ValueError(
                f"width is {width}, which {heads} heads cannot share evenly: set a multiple of {2 * heads}"
            )
        return self


MODELS: dict[str, type[Settings]] = {
    "ngram": NgramSettings,
    "hmm": HmmSettings,
    "rnn": RNNSettings,
    "lstm": LSTMSettings,
    "gru": GRUSettings,
    "transformer": TransformerSettings,
}


def _kind(value: Any) -> str:
    return str(value.get("kind", "ngram") if isinstance(value, dict) else getattr(value, "kind", value))


ModelSettings = Annotated[
    Annotated[NgramSettings, Tag("ngram")]
    | Annotated[HmmSettings, Tag("hmm")]
    | Annotated[RNNSettings, Tag("rnn")]
    | Annotated[LSTMSettings, Tag("lstm")]
    | Annotated[GRUSettings, Tag("gru")]
    | Annotated[TransformerSettings, Tag("transformer")],
    Discriminator(_kind),
]


class CorpusTrainSettings(Settings):
    """How recurrent models and transformers are trained. N-grams are counted, and take none of these."""

    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="Seed of the first weights, of order and dropout.")
    epochs: float = Field(10, gt=0, le=100_000, description="Passes over train.")
    steps: int | None = Field(None, ge=1, le=MANY, description="Optimiser steps; takes the place of `epochs`.")
    batch_size: int = Field(
        32,
        ge=1,
        le=65_536,
        description="Segments a step. Of recurrent models also the streams that train is cut into, which are read side "
        "by side.",
    )
    length: int | None = Field(
        None,
        ge=1,
        le=1_048_576,
        description="Tokens of a segment: of recurrent models how far gradients go back, 64 by default, while the "
        "state is carried on; of a transformer its context, 256 by default.",
    )
    optimiser: Literal["adamw", "adafactor", "sgd"] = Field("adamw", description="Optimiser; sgd has momentum 0.9.")
    rate: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Learning rate; with adamw 0.002 by default, of a transformer 0.001, with sgd 50 times that.",
    )
    schedule: Literal["constant", "linear", "cosine", "exponential"] = Field(
        "cosine", description="Course of the rate after warm-up; exponential ends at 1% of the rate."
    )
    warmup: float = Field(0.02, ge=0, lt=1, description="Share of the steps over which the rate rises from 0.")
    weight_decay: float = Field(0.0, ge=0, le=1000, description="Decoupled weight decay, towards zero.")
    clip: float | None = Field(1.0, gt=0, le=1e9, description="Largest gradient norm; null turns clipping off.")
    evaluate_every: int | None = Field(
        None, ge=1, le=MANY, description="Steps between evaluations on dev; by default a pass over train."
    )
    patience: int = Field(
        0, ge=0, le=MANY, description="Stop after this many evaluations without a lower dev loss; 0 never stops."
    )
    checkpoint_seconds: float = Field(
        30.0, ge=0, le=MANY, description="Seconds between checkpoints (resume starts at the last)."
    )
    threads: int | None = Field(None, ge=1, le=1024, description="CPU threads; all by default.")
    precision: Precision = Field(
        "auto",
        description="Number format to compute in, of recurrent models the output vectors alone; weights are float32. "
        "`auto` is bfloat16 where the machine is fast at it.",
    )
    device: str = Field("auto", description="`cpu`, `cuda`, `cuda:1`, ...; `auto` takes a GPU where there is one.")


class Corpus(Settings):
    """A corpus file: texts, what a token of them is, and the language model that is trained on them."""

    name: str = Field("corpus", min_length=1, description="Name of the corpus, and of the folder in `runs/`.")
    data: CorpusDataSettings = Field(description="Texts.")
    tokenizer: TokenizerSettings = Field(default_factory=TokenizerSettings, description="What a token is.")
    model: ModelSettings = Field(
        default_factory=NgramSettings, description="The language model; a bare kind will do (`model: ngram`)."
    )
    train: CorpusTrainSettings = Field(default_factory=CorpusTrainSettings, description="How it is trained.")

    @field_validator("tokenizer", "model", mode="before")
    @classmethod
    def _read_bare_kind(cls, value: object) -> object:
        """Read `model: ngram` as `model: {kind: ngram}`."""
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("train")
    @classmethod
    def _check_training(cls, value: CorpusTrainSettings, given: ValidationInfo) -> CorpusTrainSettings:
        """Refuse to pass over in silence what an n-gram takes no notice of, and contexts that are too short."""
        model = given.data.get("model")
        if isinstance(model, NgramSettings) and value != CorpusTrainSettings():
            raise ValueError("an n-gram is counted, not trained in steps: leave it out, or choose another model")
        if isinstance(model, TransformerSettings) and value.length is not None and value.length < SHORTEST_CONTEXT:
            raise ValueError(f"length is {value.length}, the context of a transformer: set {SHORTEST_CONTEXT} or more")
        return value
