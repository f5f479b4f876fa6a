"""``python -m mvengine`` is the command ``mvengine``."""

from mvengine.cli import main

if __name__ == "__main__":
    main()
