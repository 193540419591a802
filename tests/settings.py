"""The product's settings with what tests need otherwise: known keys, cheap hashes, no real platform."""

import os

os.environ.setdefault("MG_BOOTSTRAP_SECRET_KEY", "tests-only-secret-key-of-more-than-fifty-characters-0123456789")
os.environ.setdefault("MG_BOOTSTRAP_ENCRYPT_KEY", "0123456789abcdef0123456789abcdef")
os.environ.setdefault("MG_BOOTSTRAP_LOG_LEVEL", "warning")

from bootstrap_project.settings import *  # noqa: F403

# A hash of full cost takes 40 ms; tests of the cost itself set it back.
EXTERNAL_KEY_SCRYPT_N = 16
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Nothing listens there: a test that forgets its counterpart fails at once instead of waiting.
MG_CLIENTS_URL = MG_CHANNELS_URL = MG_DOMAINS_URL = MG_USERS_URL = MG_AUTH_URL = "http://127.0.0.1:9"
MG_RETRIES = 0
OPERATOR_CACHE_SECONDS = 0
# No thread writes into a test's database by itself; tests of attempts flush by hand.
ATTEMPT_FLUSH_SECONDS = 0
# Tests look into what requests do with the connection of their own thread; journeys run the server with a pool.
DB_POOL_SIZE = 0
# Tests read what they have just counted.
METRICS_KEEP_SECONDS = 0
