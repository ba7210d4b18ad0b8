"""`python -m warehouse.cli`: the same as `overbuild`."""

from warehouse.cli.app import main

if __name__ == "__main__":
    main()
