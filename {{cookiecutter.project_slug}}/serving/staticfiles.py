"""Static files in front of Django: the same on every server, with and without DEBUG."""

import asyncio
import sys

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

from serving.asgi import Application, Receive, Scope, Send, path_below

CHUNK_BYTES = 64 * 1024


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Storage for production: names with a hash, also where a JavaScript module imports another.

    Browsers keep such files for ever, and fetch the new ones after a deploy.
    https://docs.djangoproject.com/en/stable/ref/contrib/staticfiles/#manifeststaticfilesstorage
    """

    support_js_module_import_aggregation = True


def missing_files() -> str:
    """Return a message where ``collectstatic`` has not run in production, else ""."""
    read_manifest = getattr(staticfiles_storage, "read_manifest", None)  # in production
    if read_manifest is None or read_manifest() is not None:
        return ""
    return (
        f"No static files in {settings.STATIC_ROOT}: run 'manage.py collectstatic' with the same "
        "settings, DJANGO_DEBUG=false among them."
    )


class StaticFiles:
    """Answer for ``STATIC_URL`` from WhiteNoise's index of files.

    WhiteNoise's own middleware is written for WSGI: under ASGI it reads each file
    into memory before the first byte leaves.
    """

    def __init__(self, application: Application) -> None:
        if problem := missing_files():
            sys.exit(problem)  # it would be an error on each page
        self.application = application
        self.index = WhiteNoiseMiddleware(get_response=lambda request: None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        find = self.index.find_file if self.index.autorefresh else self.index.files.get
        static_file = find(path_below(scope))
        if static_file is None:
            await self.application(scope, receive, send)
            return

        request_headers = {
            f"HTTP_{name.decode('latin1').upper().replace('-', '_')}": value.decode("latin1")
            for name, value in scope["headers"]
        }
        response = static_file.get_response(scope["method"], request_headers)
        headers = [*response.headers, ("X-Content-Type-Options", "nosniff")]
        await send(
            {
                "type": "http.response.start",
                "status": int(response.status),
                "headers": [
                    (name.lower().encode("latin1"), value.encode("latin1"))
                    for name, value in headers
                ],
            }
        )
        if response.file is not None:
            leaving = asyncio.ensure_future(_client_leaves(receive))
            try:
                with response.file:
                    while chunk := response.file.read(CHUNK_BYTES):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                        await asyncio.sleep(0)  # a server may take all that it is given
                        if leaving.done():
                            return  # without the rest
            finally:
                leaving.cancel()
        await send({"type": "http.response.body"})


async def _client_leaves(receive: Receive) -> None:
    """Return when the client has left: not every server says so where it is written to."""
    while (await receive())["type"] != "http.disconnect":
        pass
