"""``manage.py load_demo``"""

import sys

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone
from tqdm import tqdm

from leaderboard.services.demo import USERNAME, DemoExists, demo_password, demo_user, load_demo


class Command(BaseCommand):
    help = "Load the demo arena: made-up models, simulated voters, three judges. clear_demo removes it."

    def handle(self, **options) -> None:
        settings.ARENA_HOME.mkdir(parents=True, exist_ok=True)
        with tqdm(unit="step", file=sys.stderr, disable=None, total=7) as bar:

            def progress(what: str) -> None:
                bar.set_description(what)
                bar.update()

            try:
                load_demo(now=timezone.now(), progress=progress)
            except DemoExists as error:
                self.stdout.write(str(error))
                return
        self.stdout.write("Loaded the demo arena.")
        if demo_user():
            password = demo_password(settings.ARENA_HOME)
            self.stdout.write(f"Sign in as {USERNAME} with the password {password}")
