"""The project's addresses, one that shows what the server holds, one that changes the database."""

import asyncio
import json
import threading

from django.apps import apps
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from config.urls import urlpatterns as project_urlpatterns
from realtime.hub import hub
from realtime.presence import presence
from serving.connections import server_state


async def inside(request: HttpRequest) -> JsonResponse:
    held = {
        "sockets": len(server_state().sockets),
        "topics": len(hub().topics),
        "present": len(presence().local),
        "shown": len(presence().announced),
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
    }
    names = sorted(str(task.get_coro()) for task in asyncio.all_tasks())
    return JsonResponse({"held": held, "names of tasks": names})


def change(request: HttpRequest) -> HttpResponse:
    """Change an object in this process, with its signals, or delete it where no change is given."""
    found = apps.get_model(request.POST["model"])._default_manager.get(pk=request.POST["pk"])
    changes = json.loads(request.POST["changes"])
    for name, value in changes.items():
        setattr(found, name, value)
    if changes:
        found.save()
    else:
        found.delete()
    return HttpResponse(status=204)


urlpatterns = [path("inside/", inside), path("change/", change), *project_urlpatterns]
