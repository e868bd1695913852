"""The questions of cookiecutter.json, every combination of its choices, and baked files."""

import itertools
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ANSWERS = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
QUESTIONS = [name for name in ANSWERS if not name.startswith("_")]
CHOICES = {name: ANSWERS[name] for name in QUESTIONS if isinstance(ANSWERS[name], list)}


def variants() -> list[dict[str, str]]:
    """Return each combination of choices, as answers."""
    return [
        dict(zip(CHOICES, answers, strict=True)) for answers in itertools.product(*CHOICES.values())
    ]


def a_few() -> list[dict[str, str]]:
    """So many variants that each choice of each question is among them.

    The starter changes every other time, so that each is there in each consumer style.
    """
    rounds = max(len(choices) for choices in CHOICES.values())
    return [
        {
            question: choices[(n // 2 if question == "starter" else n) % len(choices)]
            for question, choices in CHOICES.items()
        }
        for n in range(rounds)
    ]


def variant_id(answers: dict[str, str]) -> str:
    """Return a name such as "uvicorn-memory-async": the answers in the order of their questions'
    names."""
    return "-".join(answers[question] for question in sorted(CHOICES))


def files_of(project: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode and the content of each file of a baked project."""
    return {
        str(path.relative_to(project)): (path.stat().st_mode, path.read_bytes())
        for path in project.rglob("*")
        if path.is_file()
    }
