"""A vLLM server as a child process: its start, its health, its end. It runs in an environment of its own."""

from arena.engines.vllm.adapters import add_adapter
from arena.engines.vllm.failures import ServerFailed
from arena.engines.vllm.launch import OPTIONS, Launch
from arena.engines.vllm.records import stop_orphans
from arena.engines.vllm.server import Server
from arena.engines.vllm.version import vllm_version

__all__ = [
    "OPTIONS",
    "Launch",
    "Server",
    "ServerFailed",
    "add_adapter",
    "stop_orphans",
    "vllm_version",
]
