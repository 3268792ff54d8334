"""Recurrent models and transformers trained from nothing on the ids of a corpus, kept as backbones."""
