"""A Celery application as it is usually written: acks_late, and the broker is the only queue."""

import os
import time

import psycopg
from celery import Celery

PACE = 0.1  # seconds that a task takes

app = Celery("plain", broker=os.environ.get("BROKER_URL", ""))
app.conf.update(task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=1)


@app.task
def write(number: int) -> None:
    time.sleep(PACE)
    with psycopg.connect(os.environ["PLAIN_DATABASE"]) as database:
        database.execute("INSERT INTO plain VALUES (%s)", [number])
