"""What a run does about suspects, which are asked with nothing else under way (see ``jobs.claim``)."""

from collections.abc import Iterable, Sized

from arena.jobs import Claim


class Suspects:
    """Whether what a run claimed may begin, and whether it may claim more, given what is under way.

    ``under_way`` is read, never changed: it is the run's own.
    """

    def __init__(self, under_way: Sized) -> None:
        self.were_claimed = False  # last
        self._under_way = under_way
        self._wait = False

    def note(self, claims: Iterable[Claim]) -> None:
        """See what was claimed now. Suspects wait for all that is under way at this moment."""
        self.were_claimed = any(held.deaths for held in claims)
        self._wait = self.were_claimed and bool(self._under_way)

    @property
    def must_wait(self) -> bool:
        """Whether suspects are at hand and may not begin yet."""
        self._wait = self._wait and bool(self._under_way)
        return self._wait

    @property
    def are_over(self) -> bool:
        """Whether all that was claimed last were suspects, and none is under way any more.

        What came of them is stored then, before others begin: no later death may count against it.
        """
        return self.were_claimed and not self._under_way

    @property
    def must_end(self) -> bool:
        """Whether nothing more may be claimed: suspects are under way, or wait for what is."""
        return self.were_claimed and bool(self._under_way)
