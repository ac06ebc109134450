"""Images through a real vLLM with a tiny vision model."""

import time
from hashlib import sha256

import pytest

from arena.engines import ENGINES, Attachment, Message, Request
from arena.engines.vllm import Launch, Server
from tests import tiny_models
from tests.pictures import picture

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def engine(python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vision")
    model = tiny_models.make_vision_model(python, folder / "tiny-vision")
    options = {"enforce_eager": True, "max_model_len": 2048, "dtype": "float32"}
    server = Server(Launch(str(model), options=options), python=python, folder=folder, startup_seconds=240)
    try:
        server.start()
        while not server.is_ready():
            time.sleep(0.2)
        yield ENGINES["openai"](base_url=server.base_url, model=server.model_name, api_key=server.api_key)
    finally:
        server.stop()


def ask(engine, *colours):
    pictures = [picture(colour) for colour in colours]
    images = {sha256(data).hexdigest(): Attachment("image/png", data) for data in pictures}
    message = Message("user", "What is it?", tuple(images))
    sampling = {"max_tokens": 8, "temperature": 0}
    (completion,) = engine.stream([Request("k", (message,), sampling, images=images)])
    assert completion.error is None, completion.error
    return completion


def test_a_vision_model_sees_what_the_engine_sends(engine):
    """Each image adds the same number of tokens, and another picture gives another text."""
    none, red, blue, both = ask(engine), ask(engine, "red"), ask(engine, "blue"), ask(engine, "red", "blue")
    assert red.tokens_in == blue.tokens_in
    assert both.tokens_in - red.tokens_in == red.tokens_in - none.tokens_in >= 4  # 4 of the image alone
    assert red.text == ask(engine, "red").text  # greedy
    assert len({none.text, red.text, blue.text}) == 3
