"""`python -m trimtab`: the command line where `trimtab` itself is not on the path."""

from trimtab.cli.main import main

if __name__ == "__main__":
    main()
