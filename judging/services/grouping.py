"""Which pairs a judge that ranks many answers is asked about at once, and in which order it sees them."""

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

Sides = tuple[int, int]  # ids of two answers to one prompt, as they are shown


def grouped(pairs: Iterable[Sides], most: int) -> list[list[Sides]]:
    """Each pair in one group; a group has at most ``most`` answers, and an order that shows all its pairs.

    Pairs that are there both ways are in the same groups both ways, one of which is the other reversed.
    """
    ways: dict[bool, list[Sides]] = {True: [], False: []}
    for first, second in pairs:
        forward = _chance(first) < _chance(second)
        ways[forward].append((first, second) if forward else (second, first))
    there, back = (_cover(sorted(way), most) for way in ways.values())
    return [*there, *([(second, first) for first, second in group] for group in back)]


def shown(group: Iterable[Sides]) -> list[int]:
    """The answers of a group in the order of showing."""
    pairs = list(group)
    first, second = pairs[0]
    ids = {answer for pair in pairs for answer in pair}
    return sorted(ids, key=_chance, reverse=_chance(first) > _chance(second))


def _chance(answer: int) -> bytes:
    # By their ids the models that came first would stand at an end of every prompt, and never in the middle.
    return blake2b(str(answer).encode(), digest_size=16).digest()


def _cover(pairs: list[Sides], most: int) -> list[list[Sides]]:
    """Greedily: a group takes the answer that brings most pairs into it, then a pair that has none of its."""
    left, groups = dict.fromkeys(pairs), []
    while left:
        inside = set(next(iter(left)))
        while len(inside) < most:
            gains = Counter(
                other
                for pair in left
                for one, other in (pair, pair[::-1])
                if one in inside and other not in inside
            )
            if gains:
                inside.add(max(gains, key=lambda answer: (gains[answer], -answer)))
            elif len(inside) + 2 <= most and (more := _apart(left, inside)):
                inside.update(more)
            else:
                break
        group = [pair for pair in left if inside.issuperset(pair)]
        groups.append(group)
        for pair in group:
            del left[pair]
    return groups


def _apart(pairs: Iterable[Sides], inside: set[int]) -> Sides | None:
    return next((pair for pair in pairs if inside.isdisjoint(pair)), None)
