"""Images through the chat API: the exact body that is sent."""

import base64

import pytest

from arena.engines import ENGINES, Attachment, Message, Request
from tests.servers import running_server

IMAGE = Attachment("image/png", b"\x89PNG and so on")


def test_images_follow_their_text_as_data_uris():
    messages = (Message("system", "Look."), Message("user", "What is it?", ("a1", "b2")))
    images = {"a1": IMAGE, "b2": Attachment("image/jpeg", b"\xff\xd8")}
    with running_server() as server:
        engine = ENGINES["openai"](base_url=server.base_url, model="judge")
        (completion,) = engine.stream([Request("k", messages, images=images)])
    assert completion.error is None
    png = "data:image/png;base64," + base64.b64encode(IMAGE.data).decode()
    assert server.bodies[0]["messages"] == [
        {"role": "system", "content": "Look."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": png}},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9g="}},
            ],
        },
    ]


def test_an_image_that_is_gone_ends_its_request_alone():
    requests = [Request("gone", (Message("user", "?", ("a1",)),)), Request("good", (Message("user", "?"),))]
    with running_server() as server:
        engine = ENGINES["openai"](base_url=server.base_url, model="judge")
        said = {each.key: each.error for each in engine.stream(requests)}
    assert said["good"] is None
    assert (said["gone"].code, said["gone"].final) == ("bad_request", True)
    assert said["gone"].message == "An image of the prompt is not stored any more."


def test_a_raw_text_has_no_place_for_images():
    with pytest.raises(ValueError, match="no place for images"):
        Request("k", (), prompt="Verdict:", images={"a1": IMAGE})


def test_bytes_are_not_written_to_logs():
    assert "PNG" not in repr(Request("k", (Message("user", "?", ("a1",)),), images={"a1": IMAGE}))
