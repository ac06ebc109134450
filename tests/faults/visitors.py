"""People at the site's pages, over real HTTP."""

import re
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar


class Visitor:
    """A browser with cookies, without JavaScript."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.jar = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.token = ""

    def get(self, path: str) -> str:
        with self.opener.open(self.base + path, timeout=60) as page:
            return self._read(page)

    def post(self, path: str, fields: dict[str, str], file: tuple[str, str] | None = None) -> tuple[int, str]:
        """Status and page. ``file`` is a field's name and its text."""
        fields = fields | {"csrfmiddlewaretoken": self.token}
        headers = {"Referer": self.base + path}
        if file is None:
            body = urllib.parse.urlencode(fields).encode()
        else:
            edge = uuid.uuid4().hex
            parts = [(f'name="{name}"', value) for name, value in fields.items()]
            parts.append((f'name="{file[0]}"; filename="a.jsonl"', file[1]))
            said = [
                f"--{edge}\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n"
                for head, body in parts
            ]
            body = f"{''.join(said)}--{edge}--\r\n".encode()
            headers["Content-Type"] = f"multipart/form-data; boundary={edge}"
        request = urllib.request.Request(self.base + path, body, headers)
        try:
            with self.opener.open(request, timeout=60) as page:
                return page.status, self._read(page)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def next_pair(self) -> str:
        """The token of the pair that is shown."""
        return re.search(r'action="/vote/([0-9a-f-]{36})/', self.get("/"))[1]

    def vote(self, token: str) -> int:
        return self.post(f"/vote/{token}/cast/", {"choice": "tie"})[0]

    def sign_up(self, name: str) -> None:
        self.get("/accounts/signup/")
        password = {"password1": "correct horse battery", "password2": "correct horse battery"}
        status, _ = self.post("/accounts/signup/", {"username": name, **password})
        assert status == 200, status

    def upload(self, benchmark: str, text: str) -> tuple[int, str]:
        self.get("/submit/")
        return self.post("/submit/", {"benchmark": benchmark, "name": "Uploaded"}, ("file", text))

    def _read(self, page) -> str:
        text = page.read().decode()
        if found := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text):
            self.token = found[1]
        return text


def at_once(number: int, act: Callable[[int], int]) -> list[int]:
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(act, range(number)))
