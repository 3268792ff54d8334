"""Every setting of a corpus file, declared once. Knows nothing about how a language model is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from trimtab.settings.methods.base import LARGEST_SEED, Settings
from trimtab.settings.task import text_encoding


class CorpusDataSettings(Settings):
    """Where texts are and how they are read."""

    train: str | list[str] = Field(
        description="Texts to train on: a text (.txt, .md, ... packed or not), rows (.jsonl, .json, .csv, .tsv, "
        ".parquet), a folder of such, a pattern (`part-*.txt.gz`), `hub:NAME[:CONFIGURATION][:SPLIT]`, or several. "
        "Relative paths start at the corpus file.",
    )
    dev: str | list[str] | None = Field(
        None, description="Texts to choose on. Where absent, the share `held_out` of train."
    )
    test: str | list[str] | None = Field(None, description="Texts to report on, once.")
    field: str = Field("text", min_length=1, description="Column of rows that holds the text.")
    document: Literal["paragraph", "line", "file"] = Field(
        "paragraph",
        description="What a document of a text is: what stands between blank lines, a line, or the whole file. Of rows "
        "each is a document. A model reads nothing across the end of a document.",
    )
    encoding: str = Field(
        "utf-8", description="Text encoding, by any name that Python knows: `latin-1`, `gb18030`, `utf-16`."
    )
    held_out: float = Field(
        0.05,
        gt=0,
        lt=0.9,
        description="Share of the documents of train that is set aside where no dev is given, by a hash of each.",
    )
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="Seed of what is set aside.")

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, value: str) -> str:
        """Refuse names of no encoding of texts."""
        return text_encoding(value)

    @field_validator("train", "dev", "test")
    @classmethod
    def _check_sources(cls, value: str | list[str] | None) -> str | list[str] | None:
        """Refuse a list without a file, and standard input, which can be read only once."""
        if isinstance(value, list) and not value:
            raise ValueError("an empty list: name a file, or leave it out")
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


MODELS: dict[str, type[Settings]] = {"ngram": NgramSettings, "hmm": HmmSettings}


def _kind(value: Any) -> str:
    return str(value.get("kind", "ngram") if isinstance(value, dict) else getattr(value, "kind", value))


ModelSettings = Annotated[
    Annotated[NgramSettings, Tag("ngram")] | Annotated[HmmSettings, Tag("hmm")], Discriminator(_kind)
]


class Corpus(Settings):
    """A corpus file: texts, what a token of them is, and the language model that is trained on them."""

    name: str = Field("corpus", min_length=1, description="Name of the corpus, and of the folder in `runs/`.")
    data: CorpusDataSettings = Field(description="Texts.")
    tokenizer: TokenizerSettings = Field(default_factory=TokenizerSettings, description="What a token is.")
    model: ModelSettings = Field(
        default_factory=NgramSettings, description="The language model; a bare kind will do (`model: ngram`)."
    )

    @field_validator("tokenizer", "model", mode="before")
    @classmethod
    def _read_bare_kind(cls, value: object) -> object:
        """Read `model: ngram` as `model: {kind: ngram}`."""
        return {"kind": value} if isinstance(value, str) else value
