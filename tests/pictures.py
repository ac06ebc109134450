"""Small pictures in the forms that people have them."""

import base64
import io

from PIL import Image

from arena.models import Benchmark
from arena.services.benchmarks import create_benchmark
from tests.arena.uploads.files import jsonl


def picture(colour="red", size=(40, 30), kind="PNG", mode="RGB", **options) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **options)
    return out.getvalue()


def uri(data: bytes, kind="image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def benchmark_with_images(*rows: dict, name="Pictures", now) -> Benchmark:
    file = io.BytesIO(jsonl(*rows).encode())
    file.name = "prompts.jsonl"
    return create_benchmark(name=name, description="", file=file, is_open=True, now=now)
