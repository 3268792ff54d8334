"""Figures of answers beside right ones, what of them is chance, and ways without a language model. Knows no models."""
