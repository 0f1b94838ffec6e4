"""The judge in somebody's own tests: `check`, `assert_conforms`, and a plugin for pytest that is light to load."""
