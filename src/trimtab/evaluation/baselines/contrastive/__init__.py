"""Encoders that are trained on pairs of rows, as a way to answer. Knows nothing about backbones or prompts."""
