"""`python -m xentbench`."""

from xentbench import main

main()
