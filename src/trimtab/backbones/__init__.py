"""Language models behind one interface. Knows nothing about tasks or labels."""
