
# Those of realtime.protocol.
WEBSOCKET_HEARTBEAT_SECONDS = 25  # between the pings of a client
WEBSOCKET_RESTART_SECONDS = 2  # over which clients come back after a restart
WEBSOCKETS_PER_PERSON = 20


# Chat

CHAT_TEXT_LENGTH = 2000  # characters of a message
CHAT_GUESTS_PICK_NAMES = True
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "rooms"
LOGOUT_REDIRECT_URL = "rooms"
