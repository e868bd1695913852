"""The pages, and a way to post by HTTP."""

from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import get_script_prefix, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from chat import rooms
from chat.forms import MessageForm
from chat.guests import clean_name, guest, is_taken, new_guest_id
from chat.models import Room, person_of
from realtime.frames import CloseSocket, FrameError, Person
from realtime.presence import count_members
from realtime.sessions import broadcast_new_name


def visitor(request: HttpRequest) -> Person:
    """Return the person that enters a room or posts. A guest is remembered from then on."""
    if request.user.is_authenticated:
        return person_of(request.user)
    if "guest_id" not in request.session:
        request.session["guest_id"] = new_guest_id()
    return guest(request.session)


def context(request: HttpRequest) -> dict:
    is_guest = not request.user.is_authenticated
    is_known = is_guest and "guest_id" in request.session
    return {
        "is_guest": is_guest,
        "guest_name": guest(request.session).name if is_known else "",
        "may_pick_name": is_guest and settings.CHAT_GUESTS_PICK_NAMES,
    }


def room_list(request: HttpRequest) -> HttpResponse:
    all_rooms = list(Room.objects.filter(owner=None))
    counts = count_members([room.topic for room in all_rooms])
    listed = [
        {
            "slug": room.slug,
            "title": room.title,
            "open_to_guests": room.open_to_guests,
            "online": counts[room.topic],
            "can_join": rooms.can_join(request.user, room),
        }
        for room in all_rooms
    ]
    return render(request, "chat/rooms.html", {"rooms": listed, **context(request)})


def room(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Room, slug=slug, owner=None)
    if not rooms.can_join(request.user, found):
        return redirect_to_login(request.path)
    visitor(request)  # the socket of the page comes with the session of this guest
    socket_path = f"{get_script_prefix()}ws/chat/{found.slug}/"
    return render(
        request,
        "chat/room.html",
        {"room": found, "socket_path": socket_path, **context(request)},
    )


@require_http_methods(["POST"])
def post_message(request: HttpRequest, slug: str) -> JsonResponse:
    """Say something without a WebSocket: ``text``, and an ``id`` that makes a repetition safe."""
    found = get_object_or_404(Room, slug=slug, owner=None)
    if not rooms.can_join(request.user, found):
        return JsonResponse({"error": f"{slug} is not open to you"}, status=403)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": form.errors}, status=400)
    client_id = form.cleaned_data["id"] or uuid4()
    try:
        seq = rooms.post(
            found, visitor(request), request.user, client_id, form.cleaned_data["text"]
        )
    except FrameError as error:
        return JsonResponse({"error": error.detail}, status=400)
    except CloseSocket as close:  # it was deleted just now
        return JsonResponse({"error": close.reason}, status=404)
    return JsonResponse({"seq": seq, "id": client_id}, status=201)


@require_http_methods(["POST"])
def guest_name(request: HttpRequest) -> HttpResponse:
    """Remember the name that a guest picked, and show it in the rooms where the guest is."""
    typed = request.POST.get("name", "")
    name = clean_name(typed)
    if typed and not name:
        messages.error(request, _("Nothing of that name could be seen. Choose another one."))
    elif is_taken(name):
        taken = _("{name} is the name of a user. Choose another one.")
        messages.error(request, taken.format(name=name))
    else:
        visitor(request)
        request.session["guest_name"] = name
        broadcast_new_name(request)
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = reverse("rooms")
    return HttpResponseRedirect(back)
