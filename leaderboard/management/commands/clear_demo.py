"""``manage.py clear_demo``"""

from django.core.management.base import BaseCommand
from django.utils import timezone

from leaderboard.services.boards import refresh_boards
from leaderboard.services.demo import clear_demo


class Command(BaseCommand):
    help = (
        "Remove the demo arena: its benchmark, models, simulated voters, recorded judge and account, and "
        "what others voted or submitted on it. Your own benchmarks stay."
    )

    def handle(self, **options) -> None:
        clear_demo()
        refresh_boards(now=timezone.now())
        self.stdout.write("The demo arena is gone. `manage.py createsuperuser` makes an account for you.")
