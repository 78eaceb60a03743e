"""Say whether something got worse: a reference, tests with a margin, budgets, a report."""
