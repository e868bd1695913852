
# Those of realtime.frame_consumer.
WEBSOCKET_HEARTBEAT_SECONDS = 25  # between the pings of a client
WEBSOCKET_RESTART_SECONDS = 2  # over which clients come back after a restart
WEBSOCKETS_PER_PERSON = 20


# Chat

CHAT_TEXT_LENGTH = 2000  # characters of a message
CHAT_GUESTS_PICK_NAMES = True
SIGN_UPS_PER_HOUR = 20  # from one client address
NEW_RECIPIENTS_PER_HOUR = 20  # people to whom a user writes for the first time
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "rooms"
LOGOUT_REDIRECT_URL = "rooms"
