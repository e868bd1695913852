"""Compile the translations of generated projects, and say what is not translated.

python scripts/messages.py            writes each django.mo from the django.po beside it
python scripts/messages.py --check    writes nothing; fails when one does not fit

Needs no gettext tools. Texts are looked for in generated projects, since a template is not Django's
before it is rendered.
"""

import argparse
import ast
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import django
from babel.messages import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from cookiecutter.main import cookiecutter
from django.conf import settings
from django.template import Engine
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
STARTERS = {starter: {"starter": starter} for starter in ("chat", "minimal")}
COMPILED = "chat"


class Text(NamedTuple):
    context: str | None
    singular: str
    plural: str | None = None


# Position of context, singular and plural among the arguments of Django's functions.
FUNCTIONS = {
    "gettext": (None, 0, None),
    "ngettext": (None, 0, 1),
    "pgettext": (0, 1, None),
    "npgettext": (0, 1, 2),
}
NAMES = {"_": "gettext"} | {name + end: name for name in FUNCTIONS for end in ("", "_lazy")}


def in_python(source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        positions = FUNCTIONS.get(NAMES.get(node.func.id, ""), ())
        parts = [p if p is None else ast.literal_eval(node.args[p]) for p in positions]
        if parts:
            yield Text(*parts)


def in_template(source: str) -> Iterator[Text]:
    nodes = engine().from_string(source).nodelist
    for node in nodes.get_nodes_by_type((TranslateNode, BlockTranslateNode)):
        context = node.message_context and node.message_context.resolve({})
        if isinstance(node, TranslateNode):
            yield Text(context, str(node.filter_expression.var.literal))
        else:
            singular, _ = node.render_token_list(node.singular)
            plural = node.render_token_list(node.plural)[0] if node.plural else None
            yield Text(context, singular, plural)


def engine() -> Engine:
    if not settings.configured:
        settings.configure(USE_I18N=True)
        django.setup()
    libraries = {name: f"django.templatetags.{name}" for name in ("i18n", "l10n", "static")}
    return Engine(libraries=libraries)


def texts(project: Path) -> set[Text]:
    """Return the texts in the code and the templates of a project."""
    found: set[Text] = set()
    for path in sorted(project.rglob("*")):
        app, *below = path.relative_to(project).parts
        if path.suffix == ".py" and app != "tests":
            found.update(in_python(path.read_text("utf-8")))
        elif "templates" in below and path.is_file():
            found.update(in_template(path.read_text("utf-8")))
    return found


def catalogues(project: Path) -> list[Path]:
    return sorted(project.glob("locale/*/LC_MESSAGES/django.po"))


def translations(catalogue: Catalog) -> dict[Text, str | tuple[str, ...]]:
    """Return what a catalogue says, without its header."""
    found = {}
    for message in catalogue:
        if message.id:
            context = message.context
            if isinstance(context, bytes):  # as read_mo() leaves it
                context = context.decode()
            singular, plural = message.id if message.pluralizable else (message.id, None)
            found[Text(context, singular, plural)] = message.string
    return found


def problems(project: Path) -> Iterator[str]:
    """Say what a project's catalogues lack, and what no code uses."""
    wanted = texts(project)
    for path in catalogues(project):
        language = path.parts[-3]
        catalogue = read_po(path.open("rb"), abort_invalid=True)
        known = translations(catalogue)
        for text in sorted(wanted - known.keys(), key=str):
            yield f"{language} lacks {text.singular!r}"
        for text in sorted(known.keys() - wanted, key=str):
            yield f"{language} has {text.singular!r}, which no code uses"
        for message in catalogue:
            strings = [message.string] if isinstance(message.string, str) else message.string
            if message.id and (message.fuzzy or not all(strings)):
                yield f"{language} does not translate {message.id!r}"
            for error in message.check(catalogue):
                yield f"{language}, {message.id!r}: {error}"


def is_current(source: Path, compiled: Path) -> bool:
    wanted = translations(read_po(source.open("rb")))
    return compiled.exists() and translations(read_mo(compiled.open("rb"))) == wanted


def main() -> None:
    parser = argparse.ArgumentParser(description="Compile translations of generated projects.")
    parser.add_argument("--check", action="store_true", help="only tell whether all is well")
    options = parser.parse_args()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for starter, answers in STARTERS.items():
            output = Path(folder, starter)
            project = Path(
                cookiecutter(
                    str(ROOT),
                    no_input=True,
                    output_dir=str(output),
                    extra_context=answers,
                    accept_hooks=False,
                )
            )
            lines += [f"{starter}: {line}" for line in problems(project)]
            if starter == COMPILED:  # it has all texts
                for source in catalogues(project):
                    compiled = TEMPLATE / source.relative_to(project).with_suffix(".mo")
                    if is_current(source, compiled):
                        continue
                    if options.check:
                        lines.append(f"{compiled.relative_to(TEMPLATE)} is out of date")
                    else:
                        with compiled.open("wb") as file:
                            write_mo(file, read_po(source.open("rb")))
    print("\n".join(lines))
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
