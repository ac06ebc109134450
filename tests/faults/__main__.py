"""Every fault against one running site, and what it cost: ``python -m tests.faults [--quick]``.

Real processes on loopback, in a home of their own; ``--seed`` repeats the choices. Each strike waits until
work is under way, and is over when all that was under way has ended. The exit status is 1 when anything was
lost, done twice or, without ``--quick``, took longer to recover from a kill than the lease and ten seconds.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.faults import BROKERS

LEASE = 3  # seconds


def prepare(home: Path) -> None:
    """The environment of the whole site, this process included."""
    from tests.arena.engines.stand_in_vllm import make_python

    for name in ("DATABASE_URL", "BROKER_URL"):
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "arena.settings",
        "ARENA_HOME": str(home),
        "LEASE_SECONDS": str(LEASE),
        "JUDGE_CONCURRENCY": "8",
        "ENDPOINT_CONCURRENCY": "8",
        "VLLM_CONCURRENCY": "8",
        "JUDGE_DEADLINE": "10",
        "ANSWER_DEADLINE": "5",
        "ENDPOINT_ALLOW": "127.0.0.1",
        "MATCH_BUDGET": "8",
        "VLLM_PYTHON": make_python(home / "vllm-python"),
        "OPENBLAS_NUM_THREADS": "1",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about ten kills, on one broker")
    parser.add_argument("--only", default="", help="faults whose name holds these words (one|another)")
    parser.add_argument("--broker", choices=BROKERS, help="with this one alone")
    parser.add_argument("--times", type=int, default=3, help="of each fault in the long run")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="arena-faults-"))
    home.chmod(0o755)  # the database's own user must get through
    try:
        prepare(home)
        import django

        django.setup()
        from tests.faults.running import run

        return run(home, options, Random(options.seed))
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
