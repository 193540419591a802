#!/usr/bin/env python
"""Django's command line, with the product's settings."""

from bootstrap_project.management.command_line import main

if __name__ == "__main__":
    main()
