"""Engines that no Python process can hold: each answers from a process of its own, by a protocol."""
