import re

from django.contrib.sessions.models import Session
from django.urls import reverse

from tests.live import ask


def test_the_page_is_there_and_makes_no_session(client, transactional_db):
    response = client.get(reverse("echo"))
    assert response.status_code == 200
    assert b"echo/echo.js" in response.content
    assert not Session.objects.exists()


def test_the_page_its_files_and_its_socket(server):
    page = server.get(reverse("echo"))[2].decode()
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) == 3
    for address in addresses:
        assert server.get(address)[0] == 200
    (address,) = re.findall(r'data-socket="([^"]+)"', page)
    with server.connect(address) as websocket:
        assert ask(websocket, "Hello") == "You said: Hello"


def test_the_page_below_a_prefix(odd):
    page = odd.get(reverse("echo"))[2].decode()
    (address,) = re.findall(r'data-socket="([^"]+)"', page)
    assert address == "/talk/ws/echo/"
    with odd.connect(address) as websocket:
        assert ask(websocket, "Hello") == "You said: Hello"
