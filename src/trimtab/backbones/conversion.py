"""Convert GGUF files to folders that transformers reads, once. Knows nothing about where they came from.

A conversion is a folder with a record of its files and their checksums, written last: what a killed process or a full
disk leaves has none, and what was cut off or changed since differs from it. Either is converted anew.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from pathlib import Path
from typing import Any

from trimtab.backbones.silence import quiet
from trimtab.errors import BackboneError
from trimtab.runs.tensors import DAMAGES, as_os_error
from trimtab.sources import cache, checked, conversions


def converted(path: Path, kept_in: Path, digest: str, progress: cache.Progress | None) -> Path:
    """The safetensors folder of a GGUF file; made on first use, and where it is no longer what was made.

    Args:
        path: the file.
        kept_in: the cache.
        digest: SHA-256 of the file.
        progress: told what is being done.

    Raises:
        BackboneError: the file cannot be read, or there is no place for what it becomes.
    """
    folder = conversions.conversion_place(path, digest, kept_in)
    try:
        with conversions.held(folder):
            if not checked.is_whole(folder, kept_in, progress):
                if progress:
                    progress("converting the GGUF file (once)", 0, None)
                _make(path, folder, digest)
    except OSError as error:
        raise BackboneError(
            f"{path}: could not be converted into {folder.parent}: {error.strerror or error}.",
            "Free some space there, or set TRIMTAB_CACHE to another folder.",
        ) from error
    return folder


def _make(path: Path, folder: Path, digest: str) -> None:
    """Put the conversion of a file where `folder` says. Raises OSError where it cannot be written."""
    from safetensors import SafetensorError

    work = folder.with_name(f"{cache.STAGING}{folder.name}")
    shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
    work.mkdir()
    try:
        _convert(path, work)
        files = {file.name: _settled(file, work) for file in sorted(work.iterdir())}
        cache.write_record(work, f"{path.name}, SHA-256 {digest}", str(path.resolve()), "", files)
        shutil.rmtree(folder, ignore_errors=True)
        work.replace(folder)
    except SafetensorError as error:
        raise as_os_error(error) from error
    except OSError:
        raise
    except DAMAGES as error:
        raise BackboneError(f"{path}: not a GGUF file transformers can read: {error}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _settled(file: Path, folder: Path) -> cache.StoredFile:
    """A file of a conversion as it is recorded: on the disk, and as readable as the umask has it."""
    file.chmod(folder.stat().st_mode & 0o666)
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
    return cache.StoredFile(file.stat().st_size, cache.sha256_of(file))


def _convert(path: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet(), contextlib.redirect_stderr(io.StringIO()):
        options: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True}
        model = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **options)
        tokenizer = AutoTokenizer.from_pretrained(path.parent, **options)
        model.hf_quantizer = None  # the weights are plain float32 now
        del model.config.quantization_config
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
