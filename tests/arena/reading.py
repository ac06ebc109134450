"""An independent reader of HTML, the standard library's, for what the sanitiser let through."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.other: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.other.append(f"</{tag}> closes nothing")

    def handle_comment(self, data):
        self.other.append(f"comment {data[:40]}")

    def handle_decl(self, decl):
        self.other.append(f"declaration {decl[:40]}")

    handle_pi = unknown_decl = handle_decl


def start_tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """Every start tag with its attributes."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.tags


def disorder(html: str) -> list[str]:
    """Comments, declarations, and tags that close nothing or are never closed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.other + [f"<{tag}> is never closed" for tag in reader.open]
