"""The project's addresses, and one that shows what the server holds."""

import asyncio
import threading

from django.http import HttpRequest, JsonResponse
from django.urls import path

from config.urls import urlpatterns as project_urlpatterns
from realtime.connections import traffic
from realtime.hub import hub
from realtime.presence import presence


async def inside(request: HttpRequest) -> JsonResponse:
    held = {
        "sockets": len(traffic().sockets),
        "topics": len(hub().topics),
        "present": len(presence().here),
        "shown": len(presence().shown),
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
    }
    return JsonResponse(held)


urlpatterns = [path("inside/", inside), *project_urlpatterns]
