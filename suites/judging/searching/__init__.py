"""The search for inputs that a function is furthest off on."""
