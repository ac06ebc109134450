"""What deploy/ says, against the code: settings, queues, commands and files that it names are there."""

import configparser
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from celery.bin.celery import celery as celery_command
from django.conf import settings
from django.core.management import get_commands

from tests import architecture

ROOT = Path(settings.BASE_DIR)
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
QUEUES = {queue.name for queue in settings.CELERY_TASK_QUEUES}
# Of others: systemd's units, compose, vLLM's downloads, Celery, Python, BLAS, and the servers' images.
FOREIGN = {"CONCURRENCY", "WORKER_QUEUES", "HF_TOKEN", "HF_HOME", "XDG_CACHE_HOME"}
FOREIGN |= {"PYTHONUNBUFFERED", "OPENBLAS_NUM_THREADS", "PATH", "POSTGRES_USER", "POSTGRES_DB"}
FOREIGN |= {"POSTGRES_PASSWORD", "BROKER_PASSWORD", "ARENA_SITE", "ARENA_UPSTREAM"}
LINE = re.compile(r"#?([A-Z_]+)=(.*)")


def rows_of_readme() -> dict[str, str]:
    """Each variable of the README's table of settings, with its default where that is one value."""
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|([^|]*)\|", (ROOT / "README.md").read_text(), re.MULTILINE)
    defaults = {}
    for cell, default in rows:
        names, values = re.findall(r"[A-Z_]+", cell), default.strip().split(", ")
        known = [found[1] if (found := re.match("`([^`]*)`", value)) else "" for value in values]
        defaults |= dict(zip(names, known + [""] * len(names), strict=False))
    return defaults


def example() -> dict[str, str]:
    """What arena.env.example sets or shows behind a #."""
    lines = (DEPLOY / "arena.env.example").read_text().splitlines()
    return {match[1]: match[2] for line in lines if (match := LINE.fullmatch(line))}


def active() -> dict[str, str]:
    """What it sets."""
    lines = (DEPLOY / "arena.env.example").read_text().splitlines()
    return {match[1]: match[2] for line in lines if line[:1] != "#" and (match := LINE.fullmatch(line))}


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)  # strict: nothing is said twice
    parser.optionxform = str
    # Two commands of a unit that ends by itself are one after the other.
    parser.read_string(re.sub(r"\nExecStart=(.*)\nExecStart=", r"\nExecStart=\1 ;; ", path.read_text()))
    return parser


def commands() -> dict[str, list[str]]:
    """Every command line of units, compose file and Dockerfile, by where it stands."""
    found = {}
    for path in UNITS:
        for number, line in enumerate(unit(path)["Service"]["ExecStart"].split(" ;; ")):
            found[f"{path.name} {number}"] = shlex.split(line.replace("%%", "%"))
    for name, service in compose()["services"].items():
        words = service.get("command", [])
        if words[:2] == ["sh", "-c"]:
            for number, line in enumerate(words[2].split(" && ")):
                found[f"compose {name} {number}"] = shlex.split(line)
        elif words and name != "broker":
            found[f"compose {name}"] = words
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    for number, line in enumerate(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)):
        found[f"Dockerfile {number}"] = yaml.safe_load(line)
    return found


def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def celery_words(words: list[str]) -> list[str]:
    return words[1:] if words[0].endswith("celery") else []


def queues(words: list[str]) -> list[str]:
    return re.sub(r"\$\{\w+:-(.*)\}", r"\1", words[words.index("--queues") + 1]).split(",")


class TestSettings:
    def test_the_example_lists_every_setting_and_no_other(self):
        known = architecture.environment_variables(ROOT) | set(rows_of_readme())
        # A pool is for the pages alone: their unit asks for it.
        assert set(example()) == known - {"ARENA_POOL"} | {"CONCURRENCY", "HF_TOKEN"}

    def test_defaults_are_those_of_the_readme(self):
        shown = {name: value for name, value in example().items() if name not in active()}
        documented = rows_of_readme()
        compared = {name for name in shown if documented.get(name)}
        assert len(compared) > 15
        assert {name: shown[name] for name in compared} == {name: documented[name] for name in compared}

    def test_every_name_in_use_is_a_setting_that_the_readme_lists(self):
        used = set(active())
        for path in UNITS:
            used |= set(re.findall(r"(?:^|\s)([A-Z_]+)=", unit(path)["Service"].get("Environment", "")))
        for path in (DEPLOY / "compose.yaml", DEPLOY / "Caddyfile", DEPLOY / "Dockerfile"):
            used |= set(re.findall(r"\$\{?\$?([A-Z_]+)[:}]", path.read_text()))
        for service in compose()["services"].values():
            used |= set(service.get("environment", {}))
        assert {"ARENA_POOL", "DATABASE_URL", "VLLM_PYTHON"} <= used
        assert used <= set(rows_of_readme()) | FOREIGN

    def test_the_examples_settings_start_the_site(self, tmp_path):
        """With what the Dockerfile copies and nothing else."""
        for line in re.findall(r"^COPY (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
            source = ROOT / line.split()[0]
            if source.is_dir():
                shutil.copytree(source, tmp_path / source.name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, tmp_path)
        secrets = dict.fromkeys(("SECRET_KEY", "SEALING_KEYS"), "a-long-text-of-more-than-50-signs-" * 2)
        environment = active() | secrets | {"ARENA_HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"]}
        for words in (
            ["check", "--deploy", "--fail-level", "INFO"],
            ["collectstatic", "--noinput", "--verbosity", "0"],
        ):
            done = subprocess.run(
                [sys.executable, "manage.py", *words],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, done.stderr
        assert (tmp_path / "home" / "static" / "staticfiles.json").exists()


class TestCommands:
    @pytest.mark.parametrize("place", commands())
    def test_it_exists(self, place):
        words = commands()[place]
        if rest := celery_words(words):
            name = next(word for word in rest if word in celery_command.commands)
            at = rest.index(name) + 1
            context = celery_command.make_context("celery", rest[:at])
            command = celery_command.commands[name]  # its own parser knows every option
            _, left, _ = command.make_parser(context).parse_args(rest[at:])
            assert left == []
        elif words[1] == "-m":
            assert importlib.util.find_spec(words[2])
        else:
            assert words[1] == "manage.py"
            assert words[2] in get_commands()

    def test_every_queue_has_a_worker(self):
        page = (DEPLOY / "README.md").read_text()
        instances = set(re.findall(r"arena-worker@(\w+)", page))
        assert instances <= QUEUES
        for where in ("systemd", "compose"):
            taken = set()
            for place, words in commands().items():
                if "--queues" in words and place.startswith("compose") == (where == "compose"):
                    taken |= set(queues(words))
            taken = taken - {"%i"} | instances if "%i" in taken else taken
            assert taken == QUEUES, where

    def test_units_and_containers_run_the_same(self):
        found = commands()
        for unit_name, service in (
            ("arena-gpu.service 0", "Dockerfile 1"),
            ("arena-scheduler.service 0", "compose scheduler"),
            ("arena-web.service 0", "Dockerfile 0"),
        ):
            words = found[unit_name]
            here = [Path(words[0]).name, *words[1:]]
            there = [word.replace("0.0.0.0", "${HOST}").replace("8000", "${PORT}") for word in found[service]]
            assert here == there

    def test_the_page_names_every_unit_and_every_container(self):
        page = (DEPLOY / "README.md").read_text()
        assert {path.stem.rstrip("@") for path in UNITS if path.stem.rstrip("@") not in page} == set()


class TestFiles:
    def test_systemd_reads_the_units_without_a_word(self, tmp_path):
        if not shutil.which("systemd-analyze"):
            pytest.skip("There is no systemd-analyze on this machine.")
        for path in (*UNITS, DEPLOY / "systemd" / "arena.target"):
            text = path.read_text().replace("/opt/arena/.venv", sys.prefix).replace("/opt/arena", str(ROOT))
            (tmp_path / path.name.replace("@", "@default")).write_text(text)
        paths = [str(path) for path in tmp_path.iterdir()]
        done = subprocess.run(
            ["systemd-analyze", "verify", *paths], capture_output=True, text=True, timeout=60, check=False
        )
        ours = [line for line in done.stderr.splitlines() if "arena" in line]
        assert (done.returncode, ours) == (0, [])

    @pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
    def test_units_give_up_what_they_do_not_need(self, path):
        service = unit(path)["Service"]
        assert service["User"] == "arena"
        assert service["NoNewPrivileges"] == service["PrivateTmp"] == service["ProtectHome"] == "yes"
        assert service["ProtectSystem"] == "strict"
        if service.get("Type") != "oneshot":
            assert service["Restart"] == "on-failure"
            assert (service["KillSignal"], service["KillMode"]) == ("SIGTERM", "mixed")
            # Celery gives work back within its own time before systemd loses patience.
            assert int(service["TimeoutStopSec"]) > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT

    def test_compose_refers_to_what_is_there(self):
        document = compose()
        services, volumes = document["services"], set(document["volumes"])
        for name, service in services.items():
            assert set(service.get("depends_on", {})) <= set(services), name
            for volume in service.get("volumes", []):
                source = volume.partition(":")[0]
                assert source in volumes or (DEPLOY / source).exists(), volume
        targets = re.findall(r"^FROM \S+ AS (\w+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
        assert {service["build"]["target"] for service in services.values() if "build" in service} == set(
            targets
        )

    def test_the_image_may_copy_what_it_copies(self):
        copied = re.findall(r"^COPY (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
        sources = {line.split()[0] for line in copied}
        allowed = re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
        assert sources == set(allowed)
        assert set(architecture.APPS) <= sources

    def test_no_secret_is_in_the_repository(self):
        for name in ("arena.env", ".env"):
            ignored = subprocess.run(["git", "check-ignore", "-q", f"deploy/{name}"], cwd=ROOT, check=False)
            assert ignored.returncode == 0, name
