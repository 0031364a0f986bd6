"""`python -m melodysynthesis`: the command line."""

from melodysynthesis.apps.cli import main

main()
