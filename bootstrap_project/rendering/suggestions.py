"""Guesses at misspelt names, for the packages above rendering."""

from bootstrap_project.gotemplate.suggestions import Suggestions

__all__ = ["Suggestions"]
