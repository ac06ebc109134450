import pytest
from django.db.models import Count
from arena.models import *
from judging.models import *
pytestmark=[pytest.mark.browser, pytest.mark.usefixtures("demo")]
def test_dbg(page):
    print("##", list(Judgment.objects.values_list("judge__name").annotate(n=Count("id"), m=Count("match",distinct=True))), Match.objects.count(), Vote.objects.count())
    print("##", list(Job.objects.values_list("kind","state").annotate(n=Count("id"))))
    v=Vote.objects.filter(match__prompt__key="writing-3").order_by("pk").first()
    page.goto(v.match.get_absolute_url()); print("##", page.locator(".opinions").inner_text())
