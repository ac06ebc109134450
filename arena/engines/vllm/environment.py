"""The environment of a vLLM server: what it needs, and nothing of the site's secrets."""

import re
from collections.abc import Mapping

# A list of what may pass: a new secret of the site stays out by itself.
KEPT = re.compile(
    r"(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|LD_PRELOAD|CC|CXX|XDG_CACHE_HOME"
    r"|HUGGING_FACE_HUB_TOKEN|TRANSFORMERS_OFFLINE|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|(HF|CUDA|NVIDIA|NCCL|ROCR|HIP|HSA|VLLM|PYTORCH|TORCH|TORCHINDUCTOR|TRITON|OMP|KMP|MKL|GLOO)_\w+"
    r"|(HTTP|HTTPS|ALL|NO)_PROXY|(http|https|all|no)_proxy)"
)
# Settings of the site's worker, which vLLM would warn of.
OURS = {"VLLM_PYTHON", "VLLM_OPTIONS", "VLLM_CONCURRENCY", "VLLM_STARTUP", "VLLM_IDLE"}
SECRET = re.compile(r"_(KEY|SECRET|PASSWORD)$")
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # kept, and hidden in what is shown


def server_environment(around: Mapping[str, str], api_key: str, modules: str) -> dict[str, str]:
    """What the server gets of `around`; `modules` is the folder of the one module that it loads from here."""
    kept = {name: around[name] for name in around if KEPT.fullmatch(name) and not SECRET.search(name)}
    for name in OURS:
        kept.pop(name, None)
    # For messages between the server's own processes; without it they listen on every address.
    kept.setdefault("VLLM_HOST_IP", "127.0.0.1")
    # Seconds. After the 5 that are usual it closes idle connections, at times under the next request.
    kept.setdefault("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "60")
    return kept | {
        "VLLM_API_KEY": api_key,  # the command line could be read by all users of the host
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": modules,
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
