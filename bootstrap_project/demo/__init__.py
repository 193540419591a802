"""The demo behind `make run` and `make demo`."""
