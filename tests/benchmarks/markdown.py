"""How long texts take to become HTML: ``python -m tests.benchmarks.markdown``. 200 ms are the goal."""

import statistics
import time

from arena.markdown import render
from tests.arena.hostile_texts import HOSTILE

GOAL = 200.0  # ms for each hostile text
RUNS = 3  # the quickest counts: the others waited for somebody else
SENTENCE = "Models write *some* words, `code` and **more** words, as [here](https://x.example). "
HONEST = {
    "prose": "\n\n".join([SENTENCE * 4] * 12),
    "lists and tables": ("- one\n- two\n  1. three\n\n" + "| a | b |\n|---|--:|\n" + "| c | 1 |\n" * 8 + "\n")
    * 20,
    "code": ("```python\n" + "def double(x: int) -> int:\n    return 2 * x  # twice\n" * 6 + "```\n\n") * 8,
    "formulas": "Let $x_i = \\frac{a}{b}$ be, then\n\n$$\\sum_{i=1}^n x_i = \\sqrt{\\frac{n}{2}}$$\n\n" * 40,
    "Arabic": "هذا نص عربي مع كلمة Python في الوسط.\n\n- واحد\n- اثنان\n\n" * 60,
}


def milliseconds(text: str) -> float:
    """CPU time of this thread."""
    taken = []
    for _ in range(RUNS):
        start = time.thread_time()
        render(text)
        taken.append((time.thread_time() - start) * 1000)
    return min(taken)


def main() -> None:
    render("warm *up* `x` $x$\n\n```python\nx\n```")
    taken = {name: milliseconds(text) for name, text in HOSTILE.items()}
    worst = sorted(taken.items(), key=lambda pair: -pair[1])
    over = [name for name, took in worst if took > GOAL]
    print(f"{len(taken)} hostile texts, goal {GOAL:.0f} ms each: {len(over)} over it")
    print(f"max {worst[0][1]:.0f} ms, median {statistics.median(taken.values()):.1f} ms")
    print(f"\n{'the ten worst':40} {'characters':>10} {'ms':>6}")
    for name, took in worst[:10]:
        print(f"{name[:40]:40} {len(HOSTILE[name]):10,} {took:6.0f}")
    print(f"\n{'honest texts':40} {'characters':>10} {'ms':>6} {'ms per KB':>10}")
    for name, text in HONEST.items():
        took = milliseconds(text)
        print(f"{name:40} {len(text):10,} {took:6.1f} {took / (len(text.encode()) / 1024):10.2f}")


if __name__ == "__main__":
    main()
