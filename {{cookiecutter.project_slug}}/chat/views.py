"""The pages, and a way to post by HTTP."""

from uuid import uuid4

from asgiref.sync import async_to_sync
from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods
from django.views.generic import FormView

from chat import rooms
from chat.guests import clean_name, guest, new_guest_id
from chat.models import Room, person_of
from realtime.frames import Closed, Person, Refused
from realtime.presence import presence


def visitor(request: HttpRequest) -> Person:
    """Return who asks. A guest is remembered, so that their sockets are the same person's."""
    if request.user.is_authenticated:
        return person_of(request.user)
    if "guest_id" not in request.session:
        request.session["guest_id"] = new_guest_id()
    return guest(request.session)


def context(request: HttpRequest) -> dict:
    is_guest = not request.user.is_authenticated
    return {
        "guest_name": visitor(request).name if is_guest else "",
        "may_pick_name": is_guest and settings.CHAT_GUESTS_PICK_NAMES,
    }


@async_to_sync
async def online(topics: list[str]) -> dict[str, int]:
    """Return how many people are in each topic."""
    return {topic: len(members) for topic, members in (await presence().members(topics)).items()}


def room_list(request: HttpRequest) -> HttpResponse:
    all_rooms = list(Room.objects.filter(owner=None))
    counts = online([room.topic for room in all_rooms])
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
    socket_path = f"/ws/chat/{found.slug}/"
    return render(
        request,
        "chat/room.html",
        {"room": found, "socket_path": socket_path, **context(request)},
    )


class MessageForm(forms.Form):
    text = forms.CharField(max_length=settings.CHAT_TEXT_LENGTH, strip=False)
    id = forms.UUIDField(required=False, help_text="the same again is the same message")


@require_http_methods(["POST"])
def post_message(request: HttpRequest, slug: str) -> JsonResponse:
    """Say something without a WebSocket: fields ``text`` and, to be safe to repeat, ``id``."""
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
    except Refused as refused:
        return JsonResponse({"error": refused.detail}, status=400)
    except Closed as closed:  # it was deleted just now
        return JsonResponse({"error": closed.reason}, status=404)
    return JsonResponse({"seq": seq, "id": client_id}, status=201)


@require_http_methods(["POST"])
def guest_name(request: HttpRequest) -> HttpResponse:
    """Remember the name that a guest picked; sockets show it from their next connect on."""
    visitor(request)
    request.session["guest_name"] = clean_name(request.POST.get("name", ""))
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = "rooms"
    return redirect(back)


class SignUp(FormView):
    form_class = UserCreationForm
    template_name = "registration/signup.html"
    success_url = reverse_lazy("rooms")

    def form_valid(self, form) -> HttpResponse:
        login(self.request, form.save())
        return super().form_valid(form)
