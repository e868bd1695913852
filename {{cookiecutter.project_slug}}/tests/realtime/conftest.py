from config import routing
from tests.realtime import counting

routing.websocket_urlpatterns[:0] = counting.websocket_urlpatterns
