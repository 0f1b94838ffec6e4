"""Where models go and what else people train with: engines beside the frameworks, each asked where it is named.

An engine is an `Adapter` as a framework's is, in a package of a group below, found by being there:
`harness.adapters.frameworks` reads the names of folders and imports nothing.
"""
