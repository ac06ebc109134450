"""Settings as an operator gives them: by environment variables, to a process of its own."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from arena.settings import broker_from_url


def manage(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *args]
    return subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_production_settings_pass_djangos_deployment_check():
    result = manage("check", "--deploy", "--fail-level", "INFO", ARENA_URL="https://arena.example.org")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("MATCH_BUDGET", "many", "MATCH_BUDGET must be a whole number above zero"),
        ("BROKER_URL", "nonsense", "BROKER_URL must look like redis://"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be DEBUG"),
        ("LEASE_SECONDS", "0", "LEASE_SECONDS must be a whole number above zero"),
        ("ARENA_URL", "arena.example.org", "ARENA_URL must look like https://"),
        ("DATABASE_URL", "postgresql://localhost:abc/arena", "DATABASE_URL must look like"),
        ("ENDPOINT_ALLOW", "http://llm.lan", "ENDPOINT_ALLOW: 'http://llm.lan' is no entry: write host"),
        ("VLLM_OPTIONS", "enforce_eager", "VLLM_OPTIONS must look like option=value"),
        ("SNAPSHOT_HOURS", "-1", "SNAPSHOT_HOURS must be a whole number from zero up"),
        ("ARENA_SIGNUP", "perhaps", "ARENA_SIGNUP must be 1 or 0"),
        ("DATABASE_URL", "mysql://root@localhost/arena", "DATABASE_URL must look like postgresql://"),
    ],
)
def test_a_bad_value_is_a_sentence_that_names_the_variable(variable, value, sentence):
    result = manage("check", **{variable: value})
    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_the_sites_own_host_is_allowed():
    code = "from django.conf import settings; print(settings.ALLOWED_HOSTS)"
    result = manage(
        "shell", "--no-imports", "-c", code, HOST="192.0.2.7", ALLOWED_HOSTS="a.example, b.example"
    )
    assert all(f"'{host}'" in result.stdout for host in ("192.0.2.7", "a.example", "b.example", "localhost"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rediss://host:6379/0", "rediss://host:6379/0?ssl_cert_reqs=required"),
        (
            "rediss://host/0?ssl_ca_certs=/ca.pem",
            "rediss://host/0?ssl_ca_certs=/ca.pem&ssl_cert_reqs=required",
        ),
        ("rediss://host/0?ssl_cert_reqs=none", "rediss://host/0?ssl_cert_reqs=none"),
        ("redis://host:6379/0", "redis://host:6379/0"),
    ],
)
def test_a_brokers_certificate_is_checked_unless_one_says_no(url, expected):
    assert broker_from_url(url) == expected
