"""Checks the answers while cookiecutter asks for them, and leaves out what was not chosen.

cookiecutter.json names ``Answers`` in ``_extensions``. cookiecutter 1 finds no such package and
prints its name: hence the name.

``cruft update`` renders two versions of this template in one process, both of them with this
package as the older one has it. So the package, ``Answers`` and what that adds to the environment
keep their names, and what they do not know, they let pass.
"""

import json
import os
import re
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import cookiecutter
from cookiecutter.exceptions import FailedHookException
from jinja2 import Environment
from jinja2.ext import Extension

from . import rules

OLDEST = (2, 2, 3)
if tuple(map(int, re.findall(r"\d+", cookiecutter.__version__)[:3])) < OLDEST:
    raise ImportError(
        f"this template needs cookiecutter {'.'.join(map(str, OLDEST))} or newer, "
        f"and this is {cookiecutter.__version__}"
    )

TEMPLATE = Path(__file__).parent.parent


class Refused(FailedHookException, SystemExit):
    """Ends cookiecutter, which knows the former, and cruft without a traceback."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text


class Answers(Extension):
    """Replaces ``from_string``, by which cookiecutter renders all but the contents of files."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # Read here, for under cruft the folder holds one version after the other.
        json_text = (TEMPLATE / "cookiecutter.json").read_text("utf-8")
        questions = {
            question: default
            for question, default in json.loads(json_text).items()
            if not question.startswith("_")
        }
        environment.from_string = partial(Text, environment, questions)
        environment.filters["project_slug"] = rules.slug_suggestion
        environment.globals["folders_left_out"] = folders_left_out


class Text:
    """An answer, the name of a file or folder, or a hook.

    It is not compiled before it is rendered, since only then the answers so far are known.
    """

    def __init__(self, environment: Environment, questions: dict, source: str) -> None:
        self.environment = environment
        self.questions = questions
        self.source = source

    def render(self, **context: object) -> str:
        answers = context.get("cookiecutter", {})
        # cookiecutter adds it when it has asked all questions.
        is_asking = "cookiecutter" in context and "_template" not in answers
        problems = rules.find_problems(answers, self.questions)
        if is_asking:
            problems += self.problems_to_come(answers)
        if problems:
            lines = "\n  ".join(["Nothing was generated. Please change:", *problems])
            raise Refused(f"\n{lines}\n")
        template = type(self.environment).from_string(self.environment, self.source)
        text = template.render(**context)
        # cookiecutter skips a file whose name is empty.
        return "" if not is_asking and is_left_out(text, answers) else text

    def problems_to_come(self, answers: dict) -> list[str]:
        """Refuse what cookiecutter is about to render or has put off, in the place of an answer."""
        questions = list(self.questions)
        asked = next((question for question in questions if question not in answers), None)
        if self.source not in self.questions.values():
            # It was not typed at a prompt, so cookiecutter would run code in it.
            return [f"{asked}: {line}" for line in rules.code_problems(self.source)]
        if self.questions[asked] != self.source:
            return [f"{asked}: {rules.problem('must be text', 'a table', 'Put it in quotes')}"]
        return []


def is_left_out(path: str, answers: dict) -> bool:
    """Whether the file is for another answer, by the patterns of ``_only_with``."""
    path = path.replace(os.sep, "/")
    return any(
        fnmatchcase(path, pattern)
        for question, choices in answers.get("_only_with", {}).items()
        for choice, patterns in choices.items()
        if answers.get(question) != choice
        for pattern in patterns
    )


def folders_left_out(answers: dict) -> list[str]:
    """Return the folders that are made although all their files are left out, inner ones first."""
    (project,) = TEMPLATE.glob("{{*}}")
    folders = []
    for folder in sorted((path for path in project.rglob("*") if path.is_dir()), reverse=True):
        files = [path.relative_to(project) for path in folder.rglob("*") if path.is_file()]
        if files and all(is_left_out(str(file), answers) for file in files):
            folders.append(folder.relative_to(project).as_posix())
    return folders
