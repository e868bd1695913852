
# The limits of realtime.protocol, for each socket.
WEBSOCKET_HEARTBEAT_SECONDS = 25  # between the pings of a client
WEBSOCKET_IDLE_SECONDS = 60  # without any frame, after which a client is taken for gone
WEBSOCKET_RESTART_SECONDS = 2  # over which clients come back after a restart
WEBSOCKET_RATE = 5  # frames a second
WEBSOCKET_BURST = 20  # frames at once
WEBSOCKETS_PER_PERSON = 20
WEBSOCKET_THREADS = 16  # of a process, for handlers that block


# Chat

CHAT_TEXT_LENGTH = 2000  # characters of a message
CHAT_GUESTS_PICK_NAMES = True
LOGIN_REDIRECT_URL = "rooms"
LOGOUT_REDIRECT_URL = "rooms"
