"""Registering judges: the same settings again are the same judge, other settings a new version."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from arena.models import HostModel
from judging.models import Judge, Panel
from judging.models.panels import find_fault

# Given anew, they change what a judge may be asked from now on.
LIMITS = ("context", "price_in", "price_out", "budget_matches", "budget_cost")


@transaction.atomic
def register_judge(name: str, **fields: Any) -> tuple[Judge, bool]:
    """Return the judge of this name with these fields, made as the next version when none has them.

    What is not fixed (description, key variable) is brought up to date; whether a known judge is active stays
    as its operator left it. A new version replaces the older ones, which are paused.
    """
    latest = Judge.objects.select_for_update().filter(name=name).order_by("-version").first()
    fixed = {key: value for key, value in fields.items() if key in Judge.FIXED}
    if latest and all(getattr(latest, key) == value for key, value in fixed.items()):
        for key in ("description", "key_variable", *LIMITS):
            if fields.get(key) not in (None, ""):
                setattr(latest, key, fields[key])
        latest.full_clean()
        latest.save()
        return latest, False
    version = latest.version + 1 if latest else 1
    judge = Judge(name=name, version=version, slug=_free_slug(slugify(name) or "judge", version), **fields)
    judge.full_clean()
    judge.save()
    Judge.objects.filter(name=name, version__lt=version).update(is_active=False)
    return judge, True


def _free_slug(slug: str, version: int) -> str:
    wanted = slug if version == 1 else f"{slug}-v{version}"
    number, free = 2, wanted
    while Judge.objects.filter(slug=free).exists():
        free, number = f"{wanted}-{number}", number + 1
    return free


def served_here(source: str, **chosen: Any) -> dict[str, Any]:
    """The fields of a judge whose model workers with vLLM serve; ``chosen`` are a HostModel's own."""
    host_model = HostModel.objects.configured(source, **chosen)
    # Pages show the model's name to everybody; where it lies on the hosts is nobody's business.
    name = Path(source).name if source.startswith("/") else source
    return {"engine": Judge.Engine.VLLM, "model": name, "host_model": host_model}


@transaction.atomic
def register_panel(name: str, rule: str, members: Sequence[Judge], **fields: Any) -> tuple[Judge, bool]:
    """The same for a panel of these members. Raises ValidationError."""
    if fault := find_fault(list(members)):
        raise ValidationError(fault)
    plan = Panel()
    plan.shape(rule, list(members))
    latest = Judge.objects.filter(name=name).order_by("-version").first()
    if latest and latest.protocol == rule and set(latest.seated) == set(members):
        return latest, False
    version = latest.version + 1 if latest else 1
    fields |= {key: getattr(plan, key) for key in ("engine", "protocol", "both_orders", "is_demo")}
    panel = Panel(name=name, version=version, slug=_free_slug(slugify(name) or "judge", version), **fields)
    panel.full_clean()
    panel.save()
    panel.seat(list(members))
    Judge.objects.filter(name=name, version__lt=version).update(is_active=False)
    return Judge.objects.get(pk=panel.pk), True
