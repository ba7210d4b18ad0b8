"""`python -m warehouse.cli`: the same as `overbuild`."""

from warehouse.cli.entry import main

if __name__ == "__main__":
    main()
