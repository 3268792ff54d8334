"""Layers on hidden states that are fitted to convergence, not stepped."""
