"""The training loop, optimisers and checkpoints. Knows nothing about prompts or labels."""
