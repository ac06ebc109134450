"""How much memory a model needs, from the size of its weights. An estimate: enough to choose a host by."""

BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "float": 4.0, "half": 2.0}
QUANTIZED = {"fp8": 1.0, "bitsandbytes": 0.6}  # bytes of a parameter, its scales included
USED = 0.9  # of a GPU, by vLLM's own default
ROOM = 1024  # MiB on each GPU for the cache and what is computed, at the least


def memory_needed(
    weights: int, stored: str, dtype: str = "auto", quantization: str = "", tensor_parallel_size: int = 1
) -> int:
    """MiB on all GPUs together for ``weights`` bytes that are ``stored`` in a number format.

    ``dtype`` and ``quantization`` are what they are loaded as; weights that are stored quantized stay so. An
    unknown format is taken as it is.
    """
    before = BYTES.get(stored, 0.0)
    after = QUANTIZED.get(quantization) or BYTES.get(dtype, before)
    loaded = weights * after / before if before else weights
    return round((loaded / 2**20 + ROOM * tensor_parallel_size) / USED)
