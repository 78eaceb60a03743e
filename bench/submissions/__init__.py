"""Take files of samples that nobody vouches for: check, score, screen, store."""
