"""What must not happen while somebody looks at a page, and how its layout and accessibility are checked."""

from importlib.resources import files

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, expect

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# Said when a test's first key or click was faster than the browser's look for something to focus.
HINTS = ("Autofocus processing was blocked",)
# Added to every page before its own scripts; the page's policy does not bind it.
LISTEN = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
addEventListener("htmx:afterSettle", () => {
  const root = document.documentElement;
  root.dataset.swaps = Number(root.dataset.swaps || 0) + 1;
});
"""
# What sticks out of the page by more than a rounding error, with the elements that do.
OVERFLOW = """() => {
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const elements = [...document.body.querySelectorAll("*")];
  const wide = elements.filter((each) => each.getBoundingClientRect().right > clientWidth + 1).slice(0, 4);
  return [`${scrollWidth} > ${clientWidth}`, ...wide.map((each) => each.outerHTML.slice(0, 90))];
}"""
RUN_AXE = """async (tags) => {
  const found = await axe.run(document, {
    runOnly: { type: "tag", values: tags },
    rules: { "target-size": { enabled: true } },
    resultTypes: ["violations"],
  });
  return found.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id} at ${node.target.join(" ")}: ${node.failureSummary.replace(/\\s+/g, " ")}`));
}"""


class Watch:
    """Collects console messages, script errors, policy violations, dialogs and requests to other sites."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.troubles: list[str] = []
        self._expected: list[str] = []

    def follow(self, context: BrowserContext, page: Page) -> None:
        context.add_init_script(LISTEN)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.troubles.append(f"error: {error.error}"))
        context.on("dialog", self._on_dialog)
        context.on("request", self._on_request)

    def expect(self, words: str) -> None:
        """Let console messages with these words pass: the browser reports every answer from 400 up."""
        self._expected.append(words)

    def _on_console(self, message: ConsoleMessage) -> None:
        if not any(words in message.text for words in (*HINTS, *self._expected)):
            self.troubles.append(f"console: {message.text}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:")):
            self.troubles.append(f"request: {request.url}")


def press(page: Page, key: str) -> None:
    """Press a key that exchanges a part of the page, and wait until that part works. A page load fails it."""
    root = page.locator("html")
    before = int(root.get_attribute("data-swaps") or 0)
    page.keyboard.press(key)
    expect(root).to_have_attribute("data-swaps", str(before + 1))


def overflow(page: Page) -> list[str]:
    """What makes the page scroll sideways; nothing if it does not."""
    page.wait_for_load_state()  # a page that has only begun has no root element yet
    return page.evaluate(OVERFLOW)


def violations(page: Page) -> list[str]:
    """Violations of WCAG 2.2 A and AA that axe finds, one line an element."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"{AXE}; 0")
    return page.evaluate(RUN_AXE, WCAG)
