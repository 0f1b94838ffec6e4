"""Run questions in processes of their own: the runner, its journal, and the way of every answer into the store."""
