"""Records in, boards out: centres with their errors, tests, ranks, summaries. Trains nothing."""
