"""Guesses at misspelt names, for the packages above rendering."""

from bootstrap_project.gotemplate import Suggestions

__all__ = ["Suggestions"]
