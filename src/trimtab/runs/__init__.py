"""What a run folder holds and remembers. Knows nothing about how a run is trained or answers."""
