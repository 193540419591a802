"""Settings of every deployment, read from the environment; `docs/operations.md` lists them one by one.

A bad value stops the start with a sentence that names the variable.
"""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bootstrap_project.api.jwks_algorithms import ASYMMETRIC_ALGORITHMS
from bootstrap_project.conf.database import read_database, read_replica, remarks_on_database
from bootstrap_project.conf.hosts import read_hosts, read_origins, read_prefix
from bootstrap_project.conf.reading import (
    read_bool,
    read_certificates,
    read_choice,
    read_list,
    read_networks,
    read_number,
    read_rate,
    read_ring_keys,
    read_secret,
    read_secret_key_fallbacks,
    read_text,
    read_transport_key,
    read_url,
    read_whole_number,
    read_workers,
    remarks_on_secrets,
)
from bootstrap_project.database.replica import REPLICA
from bootstrap_project.observability.logging import logging_config
from bootstrap_project.removed_settings import refuse_removed_settings
from bootstrap_project.security.keyring import DigestRing, Key, KeyRingError, SealingRing
from bootstrap_project.wsgi_middleware.client_address import FORWARDED, X_FORWARDED_FOR

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
#: Where a default writes: into the checkout, or where an installed package was started; never among its modules.
DATA_DIR = BASE_DIR if (BASE_DIR / "manage.py").is_file() else Path.cwd()
env = Env()
refuse_removed_settings(env.ENVIRON)

# --- The process -----------------------------------------------------------------------------------------------------

DEBUG = read_bool(env, "MG_BOOTSTRAP_DEBUG", default=False)
SECRET_KEY = read_secret(env, "MG_BOOTSTRAP_SECRET_KEY", default="for-development-only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "MG_BOOTSTRAP_SECRET_KEY is not set. It signs the admin's sessions, and what is sealed at rest rests on it; "
        "give it 50 random characters or more."
    )
SECRET_KEY_FALLBACKS = read_secret_key_fallbacks(env, secret_key=SECRET_KEY)
ALLOWED_HOSTS = read_hosts(env, "MG_BOOTSTRAP_ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = read_origins(env, "MG_BOOTSTRAP_CSRF_TRUSTED_ORIGINS")

ROOT_URLCONF = "bootstrap_project.urls"
WSGI_APPLICATION = "bootstrap_project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

try:
    BOOTSTRAP_VERSION = read_text(env, "MG_BOOTSTRAP_VERSION") or version("magistrala-bootstrap")
except PackageNotFoundError:
    BOOTSTRAP_VERSION = "0.1.0"
BOOTSTRAP_BUILD_COMMIT = read_text(env, "MG_BOOTSTRAP_BUILD_COMMIT")
BOOTSTRAP_BUILD_TIME = read_text(env, "MG_BOOTSTRAP_BUILD_TIME")
BOOTSTRAP_INSTANCE_ID = read_text(env, "MG_BOOTSTRAP_INSTANCE_ID") or str(uuid.uuid4())

#: How long a connection may be silent between two requests. Longer than a proxy keeps one, which closes it first then.
IDLE_TIMEOUT_SECONDS = read_number(env, "MG_BOOTSTRAP_IDLE_TIMEOUT_SECONDS", 75, minimum=1, maximum=3600)
#: How long the server goes on taking requests when it is told to stop, so that a balancer sees that it is not ready.
DRAIN_SECONDS = read_number(env, "MG_BOOTSTRAP_DRAIN_SECONDS", 0, minimum=0, maximum=600)

# --- Applications and middleware -------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "bootstrap_project.apps.BootstrapConfig",
    "bootstrap_project.admin.apps.AdminSiteConfig",
    "profiles.apps.ProfilesConfig",
    "configs.apps.ConfigsConfig",
    "enrollments.apps.EnrollmentsConfig",
    "devices.apps.DevicesConfig",
    "bootstrap_project.admin.apps.ProductAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_ace",
    "django_prometheus",
    "axes",
    "django_tasks",
    "django_tasks_db",
    "bootstrap_project.runs.apps.RunsConfig",
]

#: The queue of background work is in the database, and `manage.py worker` works on it.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# Devices and programs pass through the first three alone; what a browser needs wraps the admin's pages only (it would
# cost a device call 40 microseconds and a Host check that devices on odd addresses fail).
MIDDLEWARE = [
    "bootstrap_project.observability.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "bootstrap_project.admin.middleware.StaticFilesMiddleware",
    "bootstrap_project.admin.middleware.AdminHeadersMiddleware",
    "bootstrap_project.admin.middleware.AdminSessionMiddleware",
    "bootstrap_project.admin.middleware.AdminCommonMiddleware",
    "bootstrap_project.admin.middleware.AdminCsrfMiddleware",
    "bootstrap_project.admin.middleware.AdminAuthenticationMiddleware",
    "bootstrap_project.admin.middleware.AdminMessageMiddleware",
    "bootstrap_project.admin.middleware.AdminXFrameOptionsMiddleware",
    "bootstrap_project.admin.middleware.AdminLoginThrottleMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bootstrap_project.admin.logins.needs_https",
            ],
        },
    },
]

#: The path below which a proxy offers the service: pages, their files, redirects and cookies have it.
URL_PREFIX = read_prefix(env, "MG_BOOTSTRAP_URL_PREFIX")
FORCE_SCRIPT_NAME = URL_PREFIX or None

STATIC_URL = f"{URL_PREFIX}/static/"
# Files are served from the packages that ship them, so that there is no collecting step to forget.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True

# --- Database --------------------------------------------------------------------------------------------------------

DATABASES = {"default": read_database(env, base_dir=DATA_DIR)}
if replica := read_replica(env, DATABASES["default"]):
    DATABASES[REPLICA] = replica

# --- Secrets ---------------------------------------------------------------------------------------------------------

#: The key of the secure device endpoint. Its devices hold it, so nothing else rests on it (docs/contract.md#k19).
TRANSPORT_KEY = read_transport_key(env, debug=DEBUG)


def _ring_keys(name: str, purpose: str) -> tuple[Key, ...]:
    return read_ring_keys(
        env,
        name,
        purpose=purpose,
        secret_key=SECRET_KEY,
        fallbacks=SECRET_KEY_FALLBACKS,
        transport_key=TRANSPORT_KEY,
    )


try:
    SEALING_RING = SealingRing(_ring_keys("MG_BOOTSTRAP_SEALING_KEYS", "secrets-at-rest"))
    PEPPER_RING = DigestRing(_ring_keys("MG_BOOTSTRAP_KEY_PEPPERS", "external-key-digest"))
except KeyRingError as error:
    raise ImproperlyConfigured(f"{error}.") from None

#: What the secure endpoint takes for a key, in bytes after decryption; shorter ones are wrong (docs/contract.md#k23).
SECURE_MIN_KEY_BYTES = read_whole_number(env, "MG_BOOTSTRAP_SECURE_MIN_KEY_BYTES", 12, minimum=1, maximum=4096)
#: The cost of new scrypt hashes; r is 8 and p is 1, as upstream's.
EXTERNAL_KEY_SCRYPT_N = 2**14

#: What looks like a mistake in what was set and stops nothing; the checks say it.
SETTING_REMARKS = [*remarks_on_secrets(env), *remarks_on_database(env)]

# --- Devices ---------------------------------------------------------------------------------------------------------

#: Where devices reach this service, as installers are told; empty: where the admin was reached.
PUBLIC_URL = read_url(env, "MG_BOOTSTRAP_PUBLIC_URL", "")

_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
#: Calls of devices that one process works on at once, each with a connection of its own. More of them gain nothing
#: where the database is near: they want the interpreter at the same time, and make health and operators wait for it.
DEVICES_AT_ONCE = read_whole_number(env, "MG_BOOTSTRAP_DEVICES_AT_ONCE", 3, minimum=1, maximum=256)
#: Connections to the database that all other requests of a process share.
DB_POOL_SIZE = read_whole_number(env, "MG_BOOTSTRAP_DB_POOL_SIZE", 12, minimum=1, maximum=1024)
#: How long a request waits for a lock of the database; 0: as long as the database's own settings say.
DB_LOCK_TIMEOUT_SECONDS = read_whole_number(env, "MG_BOOTSTRAP_DB_LOCK_TIMEOUT_SECONDS", 5, minimum=0, maximum=3600)
#: Slow hashes (scrypt, bcrypt) that one process works on at once; more than the cores gain nothing.
KEY_CHECKS_AT_ONCE = read_whole_number(
    env, "MG_BOOTSTRAP_KEY_CHECKS_AT_ONCE", max(1, _CORES // read_workers(env)), minimum=1, maximum=256
)
#: Calls that may wait until such a hash can begin, and for how long; they hold no permit of the bulkhead meanwhile.
KEY_CHECKS_WAITING = read_whole_number(env, "MG_BOOTSTRAP_KEY_CHECKS_WAITING", 4, minimum=0, maximum=64)
KEY_CHECK_WAIT_SECONDS = read_number(env, "MG_BOOTSTRAP_KEY_CHECK_WAIT_SECONDS", 2, minimum=0, maximum=30)
#: Limits of failures: how many may come at once, and how many a second in the long run.
SOURCE_FAILURES = read_rate(env, "MG_BOOTSTRAP_LIMIT_SOURCE", "1000:20")
DEVICE_FAILURES = read_rate(env, "MG_BOOTSTRAP_LIMIT_DEVICE", "300:0.5")
SLOW_FAILURES = read_rate(env, "MG_BOOTSTRAP_LIMIT_KEY_CHECKS", "50:2")
#: The proxies that are believed when they say who called, as networks; none by default.
TRUSTED_PROXIES = read_networks(env, "MG_BOOTSTRAP_TRUSTED_PROXIES")
#: Where they say it.
FORWARDED_HEADER = read_choice(
    env, "MG_BOOTSTRAP_FORWARDED_HEADER", X_FORWARDED_FOR, choices=(X_FORWARDED_FOR, FORWARDED)
)

# --- People's passwords ----------------------------------------------------------------------------------------------

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]

# What counts with what, and what is kept of a failure, is `LoginLimits`' to say; these are for axes' log lines.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
LOGIN_REDIRECT_URL = "admin:index"
AXES_FAILURE_LIMIT = read_whole_number(env, "MG_BOOTSTRAP_LOGIN_FAILURES", 5, minimum=1, maximum=1000)
AXES_COOLOFF_TIME = timedelta(
    seconds=read_number(env, "MG_BOOTSTRAP_LOGIN_COOLOFF_SECONDS", 900, minimum=1, maximum=7 * 86_400)
)
AXES_RESET_ON_SUCCESS = True
# Knocking on a closed door does not keep it closed.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "bootstrap_project.admin.logins.client_name"
AXES_CLIENT_IP_CALLABLE = "bootstrap_project.admin.logins.client_address"
AXES_HANDLER = "bootstrap_project.admin.login_limits.LoginLimits"
AXES_LOCKOUT_CALLABLE = "bootstrap_project.admin.logins.lockout_response"
# Its log lines name the address, and not what was typed as a name: it may have been a password. Its pages stay away
# from the admin, and its table of successful logins, which nothing would prune, stays empty.
AXES_SENSITIVE_PARAMETERS = ["username", "csrfmiddlewaretoken", "next"]
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True

# --- Magistrala ------------------------------------------------------------------------------------------------------

MG_CLIENTS_URL = read_url(env, "MG_CLIENTS_URL", "http://localhost:9006")
MG_CHANNELS_URL = read_url(env, "MG_CHANNELS_URL", "http://localhost:9005")
MG_DOMAINS_URL = read_url(env, "MG_DOMAINS_URL", "http://localhost:9003")
MG_USERS_URL = read_url(env, "MG_USERS_URL", "http://localhost:9002")
MG_AUTH_URL = read_url(env, "MG_AUTH_URL", "http://localhost:9001")
MG_CONNECT_TIMEOUT_SECONDS = read_number(env, "MG_CONNECT_TIMEOUT_SECONDS", 2, minimum=0.05, maximum=60)
MG_READ_TIMEOUT_SECONDS = read_number(env, "MG_READ_TIMEOUT_SECONDS", 5, minimum=0.05, maximum=120)
MG_RETRIES = read_whole_number(env, "MG_RETRIES", 2, minimum=0, maximum=10)
MG_MAX_ANSWER_BYTES = read_whole_number(env, "MG_MAX_ANSWER_BYTES", 1_048_576, minimum=1024, maximum=2**26)
#: How long one request may ask the platform, all calls together; nothing is stored after that.
PLATFORM_DEADLINE_SECONDS = read_number(env, "MG_BOOTSTRAP_BIND_DEADLINE_SECONDS", 25, minimum=1, maximum=600)
MG_POOL_SIZE = read_whole_number(env, "MG_POOL_SIZE", 16, minimum=1, maximum=256)
MG_CA_BUNDLE = read_certificates(env, "MG_CA_BUNDLE")
#: Where the platform's public keys are; empty: below MG_AUTH_URL.
MG_AUTH_JWKS_URL = read_url(env, "MG_AUTH_JWKS_URL", "")
MG_AUTH_ISSUER = read_text(env, "MG_AUTH_ISSUER", "magistrala.auth")
#: What the claim `aud` of a token must hold; empty: not looked at.
MG_AUTH_AUDIENCE = read_text(env, "MG_AUTH_AUDIENCE")
#: What operators' tokens may be signed with, as far as that can be checked with public keys.
MG_AUTH_ALGORITHMS = read_list(env, "MG_AUTH_ALGORITHMS", ["EdDSA"])
if set(MG_AUTH_ALGORITHMS) - ASYMMETRIC_ALGORITHMS:
    raise ImproperlyConfigured(
        f"MG_AUTH_ALGORITHMS must list some of {', '.join(sorted(ASYMMETRIC_ALGORITHMS))}, separated by commas."
    )
MG_ALLOW_UNVERIFIED_USER = read_bool(env, "MG_ALLOW_UNVERIFIED_USER", default=False)
#: How long a decision about (token, domain) is kept; a revoked token goes on for no longer than that.
OPERATOR_CACHE_SECONDS = read_number(env, "MG_BOOTSTRAP_OPERATOR_CACHE_SECONDS", 30, minimum=0, maximum=60)
#: How long a decision is believed, for reads alone, while the platform fails; 0: not at all.
MG_PLATFORM_OUTAGE_BELIEF_SECONDS = read_number(
    env, "MG_PLATFORM_OUTAGE_BELIEF_SECONDS", 300, minimum=0, maximum=86_400
)
#: Whether a personal access token must have the scope to read the domain, the only one that can be asked about.
MG_PAT_REQUIRE_DOMAIN_READ = read_bool(env, "MG_PAT_REQUIRE_DOMAIN_READ", default=False)
#: The action of a domain role that every change asks for, such as `update`; empty: membership is enough, as upstream.
OPERATOR_WRITE_ACTION = read_text(env, "MG_BOOTSTRAP_WRITE_ACTION")
#: What admin pages and commands sign in with: a personal access token, or a user name and password.
SERVICE_TOKEN = read_text(env, "MG_BOOTSTRAP_TOKEN", may_be_file=True)
SERVICE_USERNAME = read_text(env, "MG_BOOTSTRAP_USERNAME", may_be_file=True)
SERVICE_PASSWORD = read_secret(env, "MG_BOOTSTRAP_PASSWORD")
if bool(SERVICE_USERNAME) != bool(SERVICE_PASSWORD) or (SERVICE_TOKEN and SERVICE_USERNAME):
    raise ImproperlyConfigured(
        "Set either MG_BOOTSTRAP_TOKEN, or both MG_BOOTSTRAP_USERNAME and MG_BOOTSTRAP_PASSWORD."
    )

# --- Attempts --------------------------------------------------------------------------------------------------------

#: Whether it is remembered what became of each device's call.
RECORD_ATTEMPTS = read_bool(env, "MG_BOOTSTRAP_ATTEMPTS", default=True)
#: How many attempts wait in a process at the most; what comes on top is dropped and counted.
ATTEMPT_BUFFER = read_whole_number(env, "MG_BOOTSTRAP_ATTEMPT_BUFFER", 10_000, minimum=100, maximum=1_000_000)
ATTEMPT_FLUSH_SECONDS = read_number(env, "MG_BOOTSTRAP_ATTEMPT_FLUSH_SECONDS", 1, minimum=0.1, maximum=60)
#: How many refused calls each process keeps in the long run, a hundred times that at once.
ATTEMPT_REFUSALS_PER_SECOND = read_number(env, "MG_BOOTSTRAP_ATTEMPT_REFUSALS_PER_SECOND", 1, minimum=0, maximum=10_000)
#: What `prune_attempts` leaves, in days.
ATTEMPT_RETENTION_DAYS = read_number(env, "MG_BOOTSTRAP_ATTEMPT_RETENTION_DAYS", 30, minimum=1, maximum=3650)

# --- Templates -------------------------------------------------------------------------------------------------------

#: What one template may cost; `gotemplate`'s README says what each budget counts.
TEMPLATE_LIMITS: dict[str, float] = {
    "max_output": read_whole_number(
        env, "MG_BOOTSTRAP_TEMPLATE_MAX_OUTPUT_BYTES", 1_048_576, minimum=1024, maximum=2**26
    ),
    "max_steps": read_whole_number(env, "MG_BOOTSTRAP_TEMPLATE_MAX_STEPS", 500_000, minimum=1000, maximum=10**9),
    "max_depth": read_whole_number(env, "MG_BOOTSTRAP_TEMPLATE_MAX_DEPTH", 250, minimum=1, maximum=250),
    "max_seconds": read_number(env, "MG_BOOTSTRAP_TEMPLATE_MAX_SECONDS", 0.15, minimum=0.01, maximum=60),
}

# --- REST API --------------------------------------------------------------------------------------------------------

#: The largest request body that is read, in bytes (docs/contract.md#k31); 413 above it.
MAX_BODY_BYTES = 1_048_576
#: The same for the admin's uploads, from people who have signed in.
MAX_UPLOAD_BYTES = 8 * MAX_BODY_BYTES
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["bootstrap_project.api.authentication.OperatorAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["bootstrap_project.api.permissions.IsDomainMember"],
    "DEFAULT_PARSER_CLASSES": ["bootstrap_project.api.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["bootstrap_project.api.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "bootstrap_project.api.renderers.JSONOnlyNegotiation",
    "EXCEPTION_HANDLER": "bootstrap_project.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Bootstrap",
    "DESCRIPTION": "Stores device configurations of the Magistrala platform and serves them to devices.",
    "VERSION": BOOTSTRAP_VERSION,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # No description leaves for a validator elsewhere.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "TemplateFormat": "profiles.models.TemplateFormat",
        "Status": "configs.models.Status",
        "SlotType": "bootstrap_project.slots.SLOT_TYPES",
    },
    "PREPROCESSING_HOOKS": ["bootstrap_project.api.schema.one_path_per_resource"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "bootstrap_project.api.schema.add_what_all_have",
        "bootstrap_project.api.schema.add_error_responses",
        "devices.schema.add_device_operations",
    ],
}

# --- Browser security ------------------------------------------------------------------------------------------------

# TLS usually ends at a proxy in front; this says that the admin is reached over it.
HTTPS_ONLY = read_bool(env, "MG_BOOTSTRAP_HTTPS_ONLY", default=False)
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{URL_PREFIX}/"
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
#: Django's, with a digest where it stores the cookie's value.
SESSION_ENGINE = "bootstrap_project.admin.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
#: How long a session lasts after the login, in seconds.
SESSION_COOKIE_AGE = read_whole_number(env, "MG_BOOTSTRAP_SESSION_SECONDS", 8 * 3600, minimum=60, maximum=30 * 86_400)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
# What a browser was told of names beside ours is hard to take back, so each is said where it is asked for alone.
SECURE_HSTS_INCLUDE_SUBDOMAINS = read_bool(env, "MG_BOOTSTRAP_HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = read_bool(env, "MG_BOOTSTRAP_HSTS_PRELOAD", default=False)
if SECURE_HSTS_PRELOAD and not SECURE_HSTS_INCLUDE_SUBDOMAINS:
    raise ImproperlyConfigured(
        "MG_BOOTSTRAP_HSTS_PRELOAD needs MG_BOOTSTRAP_HSTS_SUBDOMAINS: browsers' lists take whole domains alone."
    )
#: Whether a proxy is believed that says what the caller used. Django's own setting for it is left alone: the door reads
#: the header once and takes it out (see `wsgi_middleware.client_address`).
TRUST_FORWARDED_PROTO = read_bool(env, "MG_BOOTSTRAP_TRUST_FORWARDED_PROTO", default=False)
X_FRAME_OPTIONS = "DENY"
# Of the admin's pages: nothing but our own files, and nothing written into the page itself.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
# Devices that cannot do TLS are what the secure endpoint exists for: a redirect (W008) would break them.
SECURE_SSL_REDIRECT = False
SILENCED_SYSTEM_CHECKS = [
    "security.W008",
    # These look for Django's middleware by name; ours are its subclasses, wound around the admin alone.
    "security.W002",
    "security.W003",
    # HSTS for other names, and for ever, is whoever owns them to choose.
    "security.W005",
    "security.W021",
    "axes.W002",
]

# --- Metrics ---------------------------------------------------------------------------------------------------------

#: For how long an answer of `/metrics` is given again: making one takes a tenth of a second, and asks no credential.
METRICS_KEEP_SECONDS: float = 1

# --- Logs ------------------------------------------------------------------------------------------------------------

try:
    LOGGING = logging_config(
        level=read_text(env, "MG_BOOTSTRAP_LOG_LEVEL", "info"),
        json=read_bool(env, "MG_BOOTSTRAP_LOG_JSON", default=True),
    )
except ValueError as error:
    raise ImproperlyConfigured(f"MG_BOOTSTRAP_LOG_LEVEL: {error}") from None
