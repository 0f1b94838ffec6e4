"""Results as text: for a terminal, a README, an issue, a program."""
