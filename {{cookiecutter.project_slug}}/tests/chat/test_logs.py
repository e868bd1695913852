"""The log names connections and users of a chat, and never shows the text of a message."""

import json
from uuid import uuid4

from channels.testing import WebsocketCommunicator

from chat import rooms
from tests.live import ANSWER_SECONDS


async def test_an_error_names_socket_and_user_and_no_text(
    application, room, ann, json_log, monkeypatch
):
    def fail(*arguments: object) -> None:
        raise KeyError("as a mistake in the code")

    monkeypatch.setattr(rooms, "post_if_allowed", fail)
    headers = [(b"origin", b"http://localhost"), (b"cookie", ann.cookie.encode())]
    socket = WebsocketCommunicator(application, f"/ws/chat/{room.slug}/", headers=headers)
    assert await socket.connect(ANSWER_SECONDS) == (True, None)
    frame = {"type": "chat.send", "ref": 1, "id": str(uuid4()), "text": "between us"}
    await socket.send_to(text_data=json.dumps(frame))
    while "internal" not in await socket.receive_from(ANSWER_SECONDS):
        pass
    await socket.disconnect(timeout=ANSWER_SECONDS)

    (record,) = json_log()
    assert record["user"] == ann.user.pk
    assert len(record["connection"]) == 8
    assert "KeyError: 'as a mistake in the code'" in record["traceback"]
    written = json.dumps(record)
    assert "between us" not in written
    assert ann.cookie.partition("=")[2] not in written
