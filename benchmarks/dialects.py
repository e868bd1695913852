"""How each contender is spoken to."""

from benchmarks.crowd import Dialect

OURS_HEARD = b'{"type":"benchmark.heard","text":"TEXT"}'
CHAT = Dialect(
    "/ws/benchmark/ROOM/", b'{"type":"benchmark.say","text":"TEXT"}', OURS_HEARD, b"chat.history"
)
CHAT_IN_THREAD = Dialect(
    CHAT.path, b'{"type":"benchmark.say_in_thread","text":"TEXT"}', OURS_HEARD, CHAT.first
)
CHAT_STORED = Dialect(
    CHAT.path,
    b'{"type":"chat.send","id":"UUID","text":"TEXT"}',
    b"TEXT",
    CHAT.first,
)
ECHO = Dialect("/ws/echo/", b"TEXT", b"You said: TEXT")
TUTORIAL_TEXTS = b'{"message": "TEXT"}', b'{"message": "TEXT"}'
TUTORIAL = Dialect("/ws/chat/ROOM/", *TUTORIAL_TEXTS)
TUTORIAL_SYNC = Dialect("/ws/sync/ROOM/", *TUTORIAL_TEXTS)
TUTORIAL_ECHO = Dialect("/ws/echo/", *TUTORIAL_TEXTS)
TUTORIAL_SYNC_ECHO = Dialect("/ws/sync-echo/", *TUTORIAL_TEXTS)
RAW = Dialect("/ws/chat/ROOM/", b"TEXT", b"TEXT")
RAW_ECHO = Dialect("/ws/echo/", b"TEXT", b"TEXT")
