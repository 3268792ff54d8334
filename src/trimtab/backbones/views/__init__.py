"""Parts of a causal backbone as backbones of their own: the layers up to one, and those from one on."""
