"""`xentbench search`: for inputs that a function is further off on than on any known."""
