"""What an answer must be: such that the generated project runs with it, on any machine.

Each rule that is broken makes a line: what must be, what was given, a way out.
"""

import re
import unicodedata
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from pathlib import Path

SLUG_MAX_LENGTH = 50
TEXT_MAX_LENGTH = 200
EMAIL_MAX_LENGTH = 320
SHOWN_LENGTH = 60  # characters of a refused answer

# Windows keeps these names for itself, in each folder.
DEVICES = {"con", "prn", "aux", "nul"}
DEVICES |= {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}

# What installs the project, where uv does not.
INSTALLERS = {"pip", "setuptools"}

# LANGUAGES of the oldest Django that the project runs on.
LANGUAGES = """
    af ar ar-dz ast az be bg bn br bs ca ckb cs cy da de dsb el en en-au en-gb eo es es-ar es-co
    es-mx es-ni es-ve et eu fa fi fr fy ga gd gl he hi hr hsb hu hy ia id ig io is it ja ka kab kk
    km kn ko ky lb lt lv mk ml mn mr ms my nb ne nl nn os pa pl pt pt-br ro ru sk sl sq sr sr-latn
    sv sw ta te tg th tk tr tt udm ug uk ur uz vi zh-hans zh-hant
""".split()  # noqa: SIM905

# Codes that other programs know, and Django's code for the same.
MODERN_LANGUAGES = {
    **dict.fromkeys(["zh", "zh-cn", "zh-my", "zh-sg"], "zh-hans"),
    **dict.fromkeys(["zh-hk", "zh-mo", "zh-tw"], "zh-hant"),
    "iw": "he",
    "no": "nb",
}

JINJA_MARKS = ["{" + character for character in "%#{"]

# As Django's EmailValidator, without its quoted names and bare IP addresses.
_ATOM = "[-!#$%&'*+/=?^_`{}|~0-9a-z]+"
_LETTER = "a-z\u00a1-\ud7ff\ue000-\uffff"
_LABEL = f"(?!-)[{_LETTER}0-9-]" + "{1,63}(?<!-)"
_TOP = f"(?!-)(?:[{_LETTER}-]" + "{2,63}|xn--[a-z0-9]{1,59})(?<!-)"
EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:localhost|(?:{_LABEL}\.)+{_TOP})", re.IGNORECASE)
LANGUAGE_CODE = re.compile("[a-z]{1,8}(-[a-z0-9]{1,8})*", re.IGNORECASE)

# Letters and symbols in name only: they show as nothing, or as a space.
BLANKS = "\u115f\u1160\u2800\u3164\uffa0\U0001d159"


@cache
def packages() -> set[str]:
    """Return the distributions that a project installs, by the lock of all variants."""
    (lock,) = Path(__file__).parent.parent.glob("{{*}}/uv.lock")
    return INSTALLERS | set(re.findall(r'(?m)^name = "([a-z0-9-]+)"$', lock.read_text("utf-8")))


def slug_rules_broken(slug: str) -> list[str]:
    """Return the rules that a project_slug breaks: "chat" none, "django" and "2fast" one."""
    broken = []
    if not re.fullmatch(r"[a-z]([a-z0-9_]*[a-z0-9])?", slug):
        broken.append("must be lower-case letters a-z, digits and _, a letter first and no _ last")
    if len(slug) > SLUG_MAX_LENGTH:
        broken.append(f"must have at most {SLUG_MAX_LENGTH} characters")
    if slug in DEVICES:
        broken.append("must not be the name of a device on Windows")
    # As the name of a distribution, each run of "_" is one "-".
    if re.sub("_+", "-", slug) in packages():
        broken.append("must not be a package that the project installs")
    return broken


def slug_suggestion(slug: str) -> str:
    """Return a good slug, which is the slug itself where that is good."""
    words = re.sub("[^a-z0-9]+", "_", slug.lower()).strip("_") or "project"
    for suggestion in (slug, words[:SLUG_MAX_LENGTH].rstrip("_")):
        if not slug_rules_broken(suggestion):
            return suggestion
    return f"my_{words}"[:SLUG_MAX_LENGTH].rstrip("_")


def is_control(character: str) -> bool:
    """Whether it is a control character or a line break."""
    return unicodedata.category(character) in ("Cc", "Zl", "Zp")


def is_visible(character: str) -> bool:
    """Whether it leaves ink: spaces, joiners and marks without a letter do not."""
    category = unicodedata.category(character)
    return category[0] not in "ZM" and category not in ("Cc", "Cf") and character not in BLANKS


def slug_problems(slug: str) -> list[str]:
    return [
        problem(rule, slug, f"Try: {slug_suggestion(slug)}") for rule in slug_rules_broken(slug)
    ]


def text_problems(text: str) -> list[str]:
    if not any(map(is_visible, text)):
        return [problem("must have a visible character", text, "Write a word or two")]
    problems = []
    if text != text.strip():
        problems.append(problem("must not begin or end with a space", text, "Take that away"))
    if len(text) > TEXT_MAX_LENGTH:
        rule = f"must have at most {TEXT_MAX_LENGTH} characters"
        problems.append(problem(rule, text, f"Leave out {len(text) - TEXT_MAX_LENGTH}"))
    if any(map(is_control, text)):
        problems.append(
            problem("must be one line without control characters", text, "Write it as plain text")
        )
    return problems


def email_problems(email: str) -> list[str]:
    if len(email) > EMAIL_MAX_LENGTH or not EMAIL.fullmatch(email):
        return [problem("must be an e-mail address", email, "Try: developers@example.com")]
    return []


@cache
def zones() -> dict[str, str]:
    """Return each time zone with the name that it has today.

    Systems differ in the old names: many have none.
    """
    lines = Path(__file__).with_name("zones.txt").read_text("utf-8").splitlines()
    return {names[0]: names[-1] for names in map(str.split, lines)}


def timezone_problems(timezone: str) -> list[str]:
    name = zones().get(timezone)
    if name == timezone:
        return []
    if name:
        return [problem("must not be an old name of a time zone", timezone, f"Try: {name}")]
    similar = get_close_matches(timezone[:SHOWN_LENGTH], zones(), 1) or ["UTC"]
    rule = "must be the name of a time zone, as in the IANA database"
    return [problem(rule, timezone, f"Try: {zones()[similar[0]]}")]


def is_language(code: str) -> bool:
    # Django goes from a variant to its language, but not from "zh" to a variant.
    code = code.lower()
    is_known = code in LANGUAGES or code.partition("-")[0] in LANGUAGES
    return is_known and LANGUAGE_CODE.fullmatch(code) is not None


def language_problems(code: str) -> list[str]:
    if is_language(code):
        return []
    plain = code[:SHOWN_LENGTH].lower().replace("_", "-")
    plain = MODERN_LANGUAGES.get(plain, plain)
    similar = [plain] if is_language(plain) else get_close_matches(plain, LANGUAGES, 1)
    rule = "must be the code of a language that Django speaks"
    return [problem(rule, code, f"Try: {similar[0] if similar else 'en-us'}")]


def problem(rule: str, given: object, way_out: str) -> str:
    text = given if isinstance(given, str) else str(given)
    shown = repr(text[:SHOWN_LENGTH]) + ("…" if len(text) > SHOWN_LENGTH else "")
    return f"{rule}. Given: {shown}. {way_out}"


def code_problems(text: str) -> list[str]:
    """Refuse template code, which cookiecutter runs where an answer was not typed at a prompt."""
    found = [mark for mark in JINJA_MARKS if mark in text]
    return [
        problem(f"must not contain {mark}", text, "Put a space between the two") for mark in found
    ]


CHECKS: dict[str, Callable[[str], list[str]]] = {
    "project_name": text_problems,
    "project_slug": slug_problems,
    "description": text_problems,
    "author_name": text_problems,
    "author_email": email_problems,
    "timezone": timezone_problems,
    "language_code": language_problems,
}


def answer_problems(question: str, answer: object, choices: object) -> list[str]:
    if not isinstance(answer, str):
        return [problem("must be text", answer, "Put it in quotes")]
    if isinstance(choices, list):
        if answer in choices:
            return []
        return [problem(f"must be one of {', '.join(choices)}", answer, f"Try: {choices[0]}")]
    if any(unicodedata.category(character) == "Cs" for character in answer):
        rule = "must be text in UTF-8"
        return [problem(rule, answer, "Try again with the variables LC_ALL=C.UTF-8 PYTHONUTF8=1")]
    return code_problems(answer) + CHECKS.get(question, lambda answer: [])(answer)


def find_problems(answers: dict, questions: dict) -> list[str]:
    """Return a line for each problem, in the order of the questions.

    ``questions`` has the choices of each, or the default where there are none.
    """
    return [
        f"{question}: {line}"
        for question, choices in questions.items()
        if question in answers
        for line in answer_problems(question, answers[question], choices)
    ]
