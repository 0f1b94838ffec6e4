"""A run in pieces, a framework's part of the cases each, that workers of a cluster answer."""
