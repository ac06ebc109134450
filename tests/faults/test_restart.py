"""kill -9 of the worker and of the broker in mid-judging, on the whole site as `make run` starts it."""

import pytest

from tests.servers import running_server
from tests.sites import running_site

DEMO_MATCHES = 504  # 7 models make 21 pairs on each of 24 prompts

COUNT = """
import json
from django.db.models import Count
from arena.models import Job
from judging.models import Judgment
rows = Judgment.objects.filter(judge__name="main")
print(json.dumps({
    "judgments": rows.count(),
    "distinct": rows.values("match", "order").distinct().count(),
    "matches": rows.values("match").distinct().count(),
    "unscored": rows.filter(winner="").count(),
    "open": Job.objects.filter(state__in=["pending", "running"]).count(),
    "failed": Job.objects.filter(state="failed").count(),
}))
"""


@pytest.fixture
def site(tmp_path):
    with (
        running_server() as server,
        running_site(tmp_path / "home", JUDGE_URL=server.base_url, JUDGE_MODEL="slow:0.6") as site,
    ):
        yield site


def test_each_match_is_judged_once_per_order(site):
    site.wait_until(COUNT, lambda found: found["judgments"] > 50, 90)
    site.kill("celery", "worker@")
    assert "worker" in site.log

    site.start()
    before = site.evaluate(COUNT)["judgments"]
    site.wait_until(COUNT, lambda found: found["judgments"] > before + 50, 60)
    site.kill("valkey-server")

    site.start()
    found = site.wait_until(COUNT, lambda found: found["open"] == 0 and found["judgments"], 90)
    assert found == {
        "judgments": 2 * DEMO_MATCHES,
        "distinct": 2 * DEMO_MATCHES,
        "matches": DEMO_MATCHES,
        "unscored": 0,
        "open": 0,
        "failed": 0,
    }
