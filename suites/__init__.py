"""What is asked: input families, cases, budgets and the claims, as a pytest suite."""
