"""How numbers are written on pages."""

UNKNOWN = "–"
NBSP = "\u00a0"


def percent(share: float | None, places: int = 0) -> str:
    """A fraction of 1 as "53 %", which no line break parts; unknown stays unknown."""
    return UNKNOWN if share is None else f"{100 * share:.{places}f}{NBSP}%"


def decimal(value: float | None, places: int = 2) -> str:
    """A number with a true minus sign."""
    if value is None:
        return UNKNOWN
    words = f"{value:.{places}f}"
    return words.lstrip("-") if float(words) == 0 else words.replace("-", "−")


def counted(number: int, word: str, plural: str = "") -> str:
    """ "1 vote", "8,931 votes"."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def span(low: int | None, high: int | None, alone: int | None = None) -> str:
    """A range of ranks: "1–19", or "3" when both ends agree; ``alone`` where there is no range."""
    if low is None or high is None:
        return UNKNOWN if alone is None else str(alone)
    return str(low) if low == high else f"{low}–{high}"
