"""Tests of the commands: make, the server, the demo, the containers, the test services."""
