"""`python -m warehouse.cli`: the same as `overbuild`."""

from warehouse.cli.app import main

main()
