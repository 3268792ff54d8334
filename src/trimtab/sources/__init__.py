"""A name -> local files: models, demo data and word vectors. Knows nothing about what is in the files."""

from trimtab.sources.cache import Progress, cache_folder
from trimtab.sources.demo_data import find_data, is_known_data
from trimtab.sources.models import Located, ModelEntry, describe_model, find_model, list_models, remove_model
from trimtab.sources.word_vectors import find_word_vectors

__all__ = [
    "Located",
    "ModelEntry",
    "Progress",
    "cache_folder",
    "describe_model",
    "find_data",
    "find_model",
    "find_word_vectors",
    "is_known_data",
    "list_models",
    "remove_model",
]
