"""LoRA adapters, which a running vLLM server takes by a request."""

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

from arena.engines.vllm.failures import ServerFailed, shorten
from arena.engines.vllm.server import Server

SECONDS = 120.0  # for reading one from the disk
DETAIL = 16 * 1024  # bytes of the answer


def add_adapter(server: Server, name: str, folder: Path) -> None:
    """Let a ready server answer for the adapter in ``folder`` as well, under this name.

    Its `launch` has an `adapter_rank`. Raises ServerFailed: `bad_adapter`, or `not_ready` when the server
    does not answer.
    """
    body = json.dumps({"lora_name": name, "lora_path": str(folder)})
    headers = {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json"}
    where = urlsplit(server.base_url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=SECONDS)
    try:
        connection.request("POST", f"{where.path}/load_lora_adapter", body, headers)
        answer = connection.getresponse()
        status, said = answer.status, answer.read(DETAIL).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        words = f"vLLM did not take the adapter {name} ({type(error).__name__}); it is tried again."
        raise ServerFailed("not_ready", words, final=False) from error
    finally:
        connection.close()
    if status != 200 and "already been loaded" not in said:
        words = f"vLLM does not take the adapter {name}: {shorten(_message(said))}"
        raise ServerFailed("bad_adapter", words, final=True)


def _message(said: str) -> str:
    try:
        found = json.loads(said)
        error = found.get("error", found)
        return str(error.get("message", said))
    except (ValueError, AttributeError):
        return said
