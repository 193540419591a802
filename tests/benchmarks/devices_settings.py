"""The product's settings with two endpoints more, which calls are compared with."""

from bootstrap_project.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.devices_urls"
