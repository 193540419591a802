"""Guesses at misspelt names, for who stands above rendering."""

from bootstrap_project.gotemplate.suggestions import Suggestions

__all__ = ["Suggestions"]
