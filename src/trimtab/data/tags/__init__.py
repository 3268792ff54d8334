"""Tags of tokens: their schemes and the entities they mark, and how records hold them."""
