"""Where the settings take their values from: the environment, and the file ``.env``.

https://github.com/sloria/environs
"""

import sys
from ipaddress import ip_network
from pathlib import Path
from typing import cast

from environs import Env, EnvValidationError, ValidationError

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env(eager=False)  # collect every mistake: end_on_mistakes() reports them together
env.read_env(BASE_DIR / ".env")


@env.parser_for("networks")
def parse_networks(value: str) -> list:
    try:
        return [ip_network(network.strip()) for network in value.split(",")]
    except ValueError as error:
        raise ValidationError(str(error)) from error


def end_on_mistakes() -> None:
    """End the process with a line for each value that is missing or does not fit."""
    try:
        env.seal()
    except EnvValidationError as error:
        problems = sorted(cast(dict, error.error_messages).items())
        lines = [f"{name}: {' '.join(texts).rstrip('.')}." for name, texts in problems]
        sys.exit("\n".join([*lines, "See .env.example."]))
