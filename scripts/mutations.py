"""Apply small mutations to a generated chat, and say which of them its own tests do not notice.

    uv run scripts/mutations.py              # all of them: about a minute each
    uv run scripts/mutations.py redirect     # those whose name contains a word
    uv run scripts/mutations.py --list

A mutation that survives asks for a test. Exit code 1 when one survives.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 600  # of a test run


class Mutation(NamedTuple):
    name: str
    path: str  # within the project
    old: str  # stands there once
    new: str
    tests: str  # that are run first; all others follow where they pass


MUTATIONS = [
    Mutation(
        "broadcast before the commit",
        "chat/rooms.py",
        "    broadcast(topic, frame)",
        "    from realtime import broadcast as module\n\n    module._send(topic, {'type': 'said'})",
        "tests/chat/test_rooms.py",
    ),
    Mutation(
        "rooms of direct messages in the admin",
        "chat/admin.py",
        ".filter(owner=None)",
        ".all()",
        "tests/chat/test_http.py",
    ),
    Mutation(
        "direct messages of all in the admin",
        "chat/admin.py",
        ".filter(room__owner=None)",
        ".all()",
        "tests/chat/test_http.py",
    ),
    Mutation(
        "an open redirect",
        "chat/views.py",
        "    if not url_has_allowed_host_and_scheme(",
        "    if not back and not url_has_allowed_host_and_scheme(",
        "tests/chat/test_http.py",
    ),
    Mutation(
        "ready while it stops",
        "serving/readiness.py",
        '["process: it is stopping"] if server_state().is_stopping else []',
        "[]",
        "tests/serving/test_readiness.py",
    ),
    Mutation(
        "ready without the layer",
        "config/routing.py",
        '"channel layer": layer_is_ready, ',
        "",
        "tests/serving/test_readiness.py",
    ),
    Mutation(
        "ready without the database",
        "config/routing.py",
        ', "database": database_is_ready',
        "",
        "tests/serving/test_readiness.py",
    ),
    Mutation(
        "the server believes every proxy",
        "serving/server.py",
        "proxy_headers=False",
        'proxy_headers=True, forwarded_allow_ips="*"',
        "tests/serving/test_live.py",
    ),
    Mutation(
        "messages are compressed",
        "serving/server.py",
        "ws_per_message_deflate=False,  #",
        "ws_per_message_deflate=True,  #",
        "tests/serving/test_live.py",
    ),
    Mutation(
        "leases are never renewed",
        "realtime/presence.py",
        "[(topic, member, LEASE_SECONDS) for topic, member in members]",
        "[]",
        "tests/realtime/test_presence.py",
    ),
    Mutation(
        "pages of every site may connect",
        "serving/middleware.py",
        "        if valid:",
        "        if True:",
        "tests/serving/test_middleware.py",
    ),
    Mutation(
        "every proxy is trusted",
        "serving/middleware.py",
        "        return any(address in network for network in settings.TRUSTED_PROXIES)",
        "        return True",
        "tests/serving/test_middleware.py",
    ),
    Mutation(
        "members' rooms are open to guests",
        "chat/rooms.py",
        "room.open_to_guests or user.is_authenticated",
        "True",
        "tests/chat/test_joining.py",
    ),
    Mutation(
        "direct messages can be joined",
        "chat/rooms.py",
        "    if room.owner_id is not None:\n        return False",
        "    if room.owner_id is not None:\n        return user.is_authenticated",
        "tests/chat/test_joining.py",
    ),
    Mutation(
        "a right is looked at once",
        "chat/rooms.py",
        "    return check_access(user, Room.objects.filter(pk=room.pk).first(), room.slug)",
        "    return room",
        "tests/chat/test_rights.py",
    ),
    Mutation(
        "a heartbeat does not look at the room",
        "chat/history.py",
        "    found = rooms.check_access(user, logs.get(room.pk), room.slug)",
        "    found = logs[room.pk]",
        "tests/chat/test_rights.py",
    ),
    Mutation(
        "a user is read once",
        "realtime/sessions.py",
        "            if user != self.user:",
        "            if False:",
        "tests/chat/test_rights.py",
    ),
    Mutation(
        "a deleted room tells nobody",
        "chat/rooms.py",
        "@receiver([post_save, post_delete], sender=Room)",
        "@receiver([post_save], sender=Room)",
        "tests/chat/test_rights.py",
    ),
    Mutation(
        "a deleted user tells nobody",
        "realtime/sessions.py",
        "@receiver([post_save, post_delete], sender=User)",
        "@receiver([post_save], sender=User)",
        "tests/chat/test_rights.py",
    ),
    Mutation(
        "a topic by the slug",
        "chat/models.py",
        'return f"room.{self.pk}"',
        'return f"room.{self.slug}"',
        "tests/chat/test_rights.py",
    ),
    Mutation(
        "a logout publishes the session's key",
        "realtime/sessions.py",
        '{"type": kind, "session": _digest(session_key or "")}',
        '{"type": kind, "session": session_key}',
        "tests/chat/test_sessions.py",
    ),
    Mutation(
        "a new secret key replaces the session",
        "realtime/sessions.py",
        "    request.session = _ReadOnlySession(session.items())",
        "    request.session = session",
        "tests/chat/test_sessions.py",
    ),
    Mutation(
        "a guest may have the name of a user",
        "chat/guests.py",
        "    return users._default_manager.filter(**same).exists()",
        "    return False",
        "tests/chat/test_http.py",
    ),
    Mutation(
        "a look makes a guest",
        "chat/views.py",
        "    is_guest = not request.user.is_authenticated\n",
        "    is_guest = bool(visitor(request)) and not request.user.is_authenticated\n",
        "tests/chat/test_http.py",
    ),
    Mutation(
        "another's id is taken for one's own",
        "chat/rooms.py",
        "    if message is None or message.person.id != author.id:",
        "    if message is None:",
        "tests/chat/test_rooms.py",
    ),
    Mutation(
        "another epoch is recovered",
        "chat/history.py",
        '        query.get("epoch") == room.epoch\n        and ',
        "        ",
        "tests/chat/test_joining.py",
    ),
    Mutation(
        "one of two positions is checked",
        "chat/history.py",
        "        and (inbox is None or direct_after is None or _is_near(inbox, direct_after))\n",
        "",
        "tests/chat/test_joining.py",
    ),
    Mutation(
        "a person is a name",
        "realtime/presence.py",
        "    return {person.id: person for",
        "    return {person.name: person for",
        "tests/chat/test_rights.py",
    ),
    Mutation(
        "half a pair is refused without its ref",
        "realtime/frames.py",
        '        return FrameError("bad_frame", "half of a surrogate pair", ref)',
        '        return FrameError("bad_frame", "half of a surrogate pair")',
        "tests/chat/test_frames.py",
    ),
    Mutation(
        "sockets are read before they are subscribed",
        "realtime/frame_consumer.py",
        "        await asyncio.gather(*(hub().join(topic, self) for topic in self.topics))\n",
        "",
        "tests/chat/test_entering.py",
    ),
    Mutation(
        "a listener that has ended stays so",
        "realtime/hub.py",
        "            if topic.listener.done() or topic.name in lost:",
        "            if topic.name in lost:",
        "tests/realtime/test_hub.py",
    ),
    Mutation(
        "each link of a user counts as a right",
        "realtime/sessions.py",
        "    if sender not in RIGHT_LINKS:\n        return\n",
        "",
        "tests/chat/test_rights.py",
    ),
    Mutation(
        "the catch-up after an outage is left out",
        "realtime/frame_consumer.py",
        "        self.write_frame(await self._position())",
        "        pass",
        "tests/realtime/test_hub.py",
    ),
]


def generate(folder: Path) -> Path:
    """Generate the default chat, and install it."""
    words = [sys.executable, "-m", "cookiecutter", "--no-input", str(ROOT)]
    subprocess.run([*words, "--output-dir", str(folder)], check=True, stdout=subprocess.DEVNULL)
    (project,) = folder.iterdir()
    subprocess.run(["uv", "sync", "--quiet"], cwd=project, check=True, env=environment())
    return project


def environment() -> dict[str, str]:
    foreign = ("DJANGO_", "PYTEST_", "VIRTUAL_ENV", "UV_PROJECT")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def is_noticed(project: Path, tests: str) -> tuple[bool, str]:
    """Return whether a test fails, and which one."""
    words = ["uv", "run", "--no-sync", "pytest", "-x", "-q", "--no-header", tests]
    try:
        done = subprocess.run(
            words,
            cwd=project,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return True, "the tests did not end"
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return done.returncode != 0, failed[0] if failed else done.stdout[-200:].strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="parts of names; without any, all mutations")
    parser.add_argument("--list", action="store_true", help="print the names, and run nothing")
    arguments = parser.parse_args()
    chosen = [m for m in MUTATIONS if any(word in m.name for word in arguments.words or [""])]
    if arguments.list:
        print(*(mutation.name for mutation in chosen), sep="\n")
        return
    survivors = []
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        project = generate(Path(folder))
        for number, mutation in enumerate(chosen, 1):
            path, started = project / mutation.path, time.monotonic()
            text = path.read_text()
            if text.count(mutation.old) != 1:
                survivors.append(mutation.name)
                print(f"{mutation.name}: not once in {mutation.path}: {mutation.old}", flush=True)
                continue
            path.write_text(text.replace(mutation.old, mutation.new))
            noticed, reason = is_noticed(project, mutation.tests)
            if not noticed:
                noticed, reason = is_noticed(project, "tests")
            path.write_text(text)
            if not noticed:
                survivors.append(mutation.name)
            verdict = f"noticed by {reason}" if noticed else "SURVIVES"
            place = f"{number}/{len(chosen)}"
            seconds = time.monotonic() - started
            print(f"{place} {mutation.name}: {verdict} ({seconds:.0f} s)", flush=True)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutations are noticed.")
    if survivors:
        sys.exit(f"Survivors: {', '.join(survivors)}")


if __name__ == "__main__":
    main()
