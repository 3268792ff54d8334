"""Language models trained from nothing, on texts: corpora, tokenizers and the models themselves."""
