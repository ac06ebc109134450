"""Loaded by vLLM itself (--middleware): nothing but the API that asks for the key is served.

vLLM asks for the key at /v1 and leaves /invocations, /tokenize and others open to every user of the host.
"""


class OnlyKeyed:
    """An ASGI middleware: /v1/... and /health pass, all else is not found."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        path = scope.get("path", "")
        if scope["type"] not in ("http", "websocket") or path == "/health" or path.startswith("/v1/"):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
