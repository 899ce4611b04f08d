"""`python -m pantile`: the command line."""

from pantile.cli import main

if __name__ == "__main__":
    main()
