"""Engines that are programs of their own: each is asked through its standard input and output.

Any language can answer: `docs/protocol.md` says what is written and read. What runs under Node has a folder here.
"""
