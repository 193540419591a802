"""Readers of the environment, for settings and for the server: a value that is none stops the start."""
