"""All settings, read from the environment once, here. Every variable is listed in the README.

A variable with a bad value stops the start with a sentence that names it.
"""

import json
import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from arena import embedded

BASE_DIR = Path(__file__).resolve().parent.parent


def env_bool(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").lower()
    if value not in ("", "0", "1", "true", "false", "yes", "no"):
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value in ("1", "true", "yes") if value else default


def env_int(name: str, default: int, least: int = 1) -> int:
    value = os.environ.get(name, "")
    if value and not (value.isdecimal() and int(value) >= least):
        words = "above zero" if least else "from zero up"
        raise ImproperlyConfigured(f"{name} must be a whole number {words}, not {value!r}.")
    return int(value) if value else default


def env_list(name: str) -> list[str]:
    """Values separated by commas."""
    return [value.strip() for value in os.environ.get(name, "").split(",") if value.strip()]


def env_options(name: str) -> dict[str, object]:
    """Options such as gpu_memory_utilization=0.8,enforce_eager=true; a value is JSON, or else a word."""
    options: dict[str, object] = {}
    for entry in env_list(name):
        key, equals, value = entry.partition("=")
        if not (key and equals):
            raise ImproperlyConfigured(f"{name} must look like option=value,option=value, not {entry!r}.")
        try:
            options[key.strip()] = json.loads(value)
        except ValueError:
            options[key.strip()] = value.strip()
    return options


def database_from_url(url: str) -> dict:
    """postgresql://user:password@host:port/name?option=value as Django's settings."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/") or port == -1:
        raise ImproperlyConfigured("DATABASE_URL must look like postgresql://user:password@host:5432/name.")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def broker_from_url(url: str) -> str:
    """The broker's address. Over TLS its certificate is checked, which kombu leaves out unless it is told."""
    if url and not url.startswith(("redis://", "rediss://", "redis+socket://", "amqp://", "amqps://")):
        raise ImproperlyConfigured(
            "BROKER_URL must look like redis://host:6379/0 or amqp://user:password@host:5672//."
        )
    if url.startswith("rediss://") and "ssl_cert_reqs=" not in url:
        return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required"
    return url


# Where this installation keeps its data, and where people reach it.
ARENA_HOME = Path(os.environ.get("ARENA_HOME") or BASE_DIR / "var").expanduser().resolve()
ARENA_URL = os.environ.get("ARENA_URL", "").rstrip("/")  # https://arena.example.org in production
DEBUG = env_bool("DEBUG", False)
SECRET_KEY = os.environ.get("SECRET_KEY") or embedded.secret_key(ARENA_HOME)
# Encrypts the API keys that people store: the first seals, all open.
SEALING_KEYS = env_list("SEALING_KEYS") or [embedded.secret_key(ARENA_HOME, "sealing_key")]

_host = urlsplit(ARENA_URL).hostname
if ARENA_URL and not (_host and ARENA_URL.startswith(("https://", "http://"))):
    raise ImproperlyConfigured("ARENA_URL must look like https://arena.example.org.")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"] + ([_host] if _host else [])
ALLOWED_HOSTS += env_list("ALLOWED_HOSTS")
ALLOWED_HOSTS += [host for host in [os.environ.get("HOST", "")] if host not in ("", "0.0.0.0")]  # noqa: S104
CSRF_TRUSTED_ORIGINS = [ARENA_URL] if ARENA_URL else []
if ARENA_URL.startswith("https://"):
    SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from inside, without https
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "leaderboard",
    "judging",
    "arena",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "arena.views.errors.NotAllowedPage",
]

ROOT_URLCONF = "arena.urls"
CSRF_FAILURE_VIEW = "arena.views.errors.csrf_failure"
WSGI_APPLICATION = "arena.wsgi.application"
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
            ],
        },
    }
]

# The database. Web processes keep a pool; Celery's prefork closes a pool after every task, so workers
# and commands open plain connections (ARENA_POOL is set by the web server's start).
DATABASE_URL = os.environ.get("DATABASE_URL", "")
EMBEDDED_DATABASE = not DATABASE_URL
DATABASES = {"default": database_from_url(DATABASE_URL or embedded.database_url(ARENA_HOME))}
if EMBEDDED_DATABASE:
    DATABASES["default"]["ENGINE"] = "arena.embedded.django_backend"
STATEMENT_TIMEOUT = env_int("STATEMENT_TIMEOUT", 10)  # seconds, for web requests alone
if env_bool("ARENA_POOL", False):
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # a restarted database costs no request an error
    DATABASES["default"]["OPTIONS"] |= {
        "pool": {"min_size": 1, "max_size": 8, "timeout": 5},
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT}s",
    }

# The broker is a doorbell only: ids in JSON, no results, nothing lost when it forgets everything.
BROKER_URL = broker_from_url(os.environ.get("BROKER_URL", ""))
EMBEDDED_BROKER = not BROKER_URL
CELERY_BROKER_URL = BROKER_URL or embedded.broker_url(ARENA_HOME)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = False  # a lost message costs nothing: the next tick asks the database again
CELERY_TASK_DEFAULT_QUEUE = "default"
# A worker without -Q takes all three, so that no queue is left without one.
CELERY_TASK_QUEUES = [Queue(name) for name in ("default", "io", "gpu")]
CELERY_TASK_ROUTES = {
    "arena.tasks.answer_pending": "io",
    "arena.tasks.check_received": "io",
    "judging.tasks.work_on_host": "gpu",
}
CELERY_TASK_TIME_LIMIT = 3600
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 8  # of SIGQUIT; SIGTERM drains, see arena/celery.py
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"confirm_publish": True}
    if CELERY_BROKER_URL.startswith(("amqp", "pyamqp"))
    else {"socket_timeout": 10, "socket_connect_timeout": 5, "socket_keepalive": True}
)
CELERY_BEAT_SCHEDULE_FILENAME = str(ARENA_HOME / "schedule")
CELERY_BEAT_SCHEDULE = {
    # Long, so that a worker whose clock is hours ahead drops none; yet what no worker takes does not pile up.
    name: {"task": name, "schedule": seconds, "options": {"expires": 6 * 3600}}
    for name, seconds in {
        "arena.tasks.render_answers": 5.0,
        "arena.tasks.check_received": 2.0,
        "arena.tasks.answer_pending": 2.0,
        "judging.tasks.work_on_host": 2.0,
        "leaderboard.tasks.pair_submissions": 2.0,
        "leaderboard.tasks.top_up_submissions": 10.0,
        "judging.tasks.plan_judging": 2.0,
        "judging.tasks.judge_pending": 2.0,
        "judging.tasks.give_reasons": 2.0,
        "leaderboard.tasks.refresh_boards": 2.0,
        "leaderboard.tasks.take_due_snapshot": 60.0,
    }.items()
}

# Work.
LEASE_SECONDS = env_int("LEASE_SECONDS", 60)
DRAIN_SECONDS = env_int("DRAIN_SECONDS", 25)  # that a worker told to end waits for what is under way
JUDGE_CONCURRENCY = env_int("JUDGE_CONCURRENCY", 32)  # requests in flight to one judge's server
JUDGE_DEADLINE = env_int("JUDGE_DEADLINE", 180)  # seconds for one ruling, retries included
ENDPOINT_CONCURRENCY = env_int("ENDPOINT_CONCURRENCY", 16)  # requests in flight to one submitted endpoint
ANSWER_DEADLINE = env_int("ANSWER_DEADLINE", 300)  # seconds for one answer of a model, retries included
# Seconds that the answers of a dry run are shown before it goes on by itself; 0 is without dry runs.
DRY_RUN_SECONDS = env_int("DRY_RUN_SECONDS", 600, least=0)
# What a person may use; 0 is no limit. Staff have none.
QUOTA_SUBMISSIONS_PER_DAY = env_int("QUOTA_SUBMISSIONS_PER_DAY", 20, least=0)
QUOTA_RUNNING = env_int("QUOTA_RUNNING", 4, least=0)
QUOTA_TOKENS_PER_DAY = env_int("QUOTA_TOKENS_PER_DAY", 5_000_000, least=0)  # generated
# Own servers that submitted endpoints may name, although their addresses are not public.
ENDPOINT_ALLOW = os.environ.get("ENDPOINT_ALLOW", "")
HOSTS_FOR_MEMBERS = env_bool("HOSTS_FOR_MEMBERS", True)  # or for staff alone
HF_ENDPOINT = os.environ.get("HF_ENDPOINT") or None  # the model hub, where it is not Hugging Face's own
# Workers with vLLM: the interpreter that has it (this environment may go without), and their limits.
VLLM_PYTHON = os.environ.get("VLLM_PYTHON", "")
GPUS = os.environ.get("GPUS", "")  # of this host, in groups of one worker each: "0,1;2,3"
VLLM_OPTIONS = env_options("VLLM_OPTIONS")  # for every model of this host; a model's own go before
VLLM_CONCURRENCY = env_int("VLLM_CONCURRENCY", 128)  # requests in flight to the server on this host
VLLM_STARTUP = env_int("VLLM_STARTUP", 900)  # seconds that a model may take to load
VLLM_IDLE = env_int("VLLM_IDLE", 300)  # seconds that a model stays loaded without work
MATCH_BUDGET = env_int("MATCH_BUDGET", 200)  # matches that a competitor gets on a benchmark
SNAPSHOT_HOURS = env_int("SNAPSHOT_HOURS", 24, least=0)  # between two snapshots of all boards; 0 is never
UPLOAD_LIMIT = env_int("UPLOAD_LIMIT", 64 * 1024 * 1024)  # bytes of one uploaded file
IMAGE_LIMIT = env_int("IMAGE_LIMIT", 4 * 1024 * 1024)  # bytes of one image of a prompt
IMAGE_PIXELS = env_int("IMAGE_PIXELS", 4096 * 4096)  # its width times its height
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # form fields; files stream past it
FILE_UPLOAD_HANDLERS = [
    "arena.forms.CappedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "arena.forms.RoomyUploadHandler",
]

# People.
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ARENA_SIGNUP = env_bool("ARENA_SIGNUP", True)  # 0 closes sign-up
ACCOUNT_ADAPTER = "arena.forms.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
# Attempts to sign in are limited by address: behind a proxy, by the one that the proxy saw.
ALLAUTH_TRUSTED_PROXY_COUNT = env_int("TRUSTED_PROXIES", 0, least=0)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "submit"
ACCOUNT_LOGOUT_REDIRECT_URL = "vote"
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

# Pages.
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = ARENA_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "arena.static_files.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "arena.static_files.StaticStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # halves the time of collectstatic
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
    raise ImproperlyConfigured("LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
        "celery.beat": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
