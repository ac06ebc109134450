"""The Celery application: ``celery -A arena worker``, ``celery -A arena beat``.

A worker reports itself while it runs, and drains on SIGTERM: it takes no more messages, its tasks claim
nothing more, finish what is under way for DRAIN_SECONDS at most, give the rest back, and it ends.
"""

import os
import signal

from celery import Celery
from celery.signals import (
    celeryd_after_setup,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arena.settings")
# As on the shell: quicker, and the same digits wherever a board is fitted.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

app = Celery("arena")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_reporters: list = []  # the one of this worker; imports of the apps have to wait until they are loaded


@celeryd_after_setup.connect
def introduce(sender, instance, **_):
    from arena.services import workers

    workers.introduce(sender)
    _reporters[:] = [workers.Reporter(sender, instance.app.amqp.queues.consume_from)]


@worker_ready.connect
def begin_to_report(**_):
    _reporters[0].start()


@worker_process_init.connect
def leave_signals_to_the_parent(**_):
    """A service manager may send SIGTERM to all processes; what a child does follows from its parent's."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@worker_shutting_down.connect
def drain(**_):
    from django.conf import settings

    from arena import brake
    from arena.services import workers

    brake.stop(settings.DRAIN_SECONDS)
    workers.end_within(_reporters[0], settings.DRAIN_SECONDS + workers.LAST_SECONDS)


@worker_shutdown.connect
def report_the_end(**_):
    _reporters[0].stop()
