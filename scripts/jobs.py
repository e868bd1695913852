"""Print the choices of a question as outputs of a job on GitHub, for the matrix of another.

python scripts/jobs.py asgi_server >> "$GITHUB_OUTPUT"

choices: a JSON list. others: an expression for ``pytest -k``, which selects the tests without
a choice in their name.
"""

import json
import sys
from pathlib import Path

ANSWERS = json.loads(Path(__file__).parent.with_name("cookiecutter.json").read_text("utf-8"))


def main():
    choices = ANSWERS[sys.argv[1]]
    print(f"choices={json.dumps(choices)}")
    print(f"others={' and '.join(f'not {choice}' for choice in choices)}")


if __name__ == "__main__":
    main()
