"""`python -m avakill`: the command line."""
from avakill.cli.main import main

if __name__ == "__main__":
    main()
