"""The questions of cookiecutter.json, and which combinations of their choices the tests run."""

import itertools
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ANSWERS = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
QUESTIONS = [name for name in ANSWERS if not name.startswith("_")]
CHOICES = {name: ANSWERS[name] for name in QUESTIONS if isinstance(ANSWERS[name], list)}

# Each combination of these is a variant. Further questions are spread over the variants.
MULTIPLIED = ("channel_layer", "consumer_style", "asgi_server", "starter")

# These two meet each answer of some other questions: a chat is what a database can break.
TOGETHER = {"database": "postgresql", "starter": "chat"}
WITH_TOGETHER = ("channel_layer", "consumer_style")

SEARCHES = 40  # of a covering set

Choices = Mapping[str, Sequence[str]]
Variant = dict[str, str]


def pairs(variant: Variant) -> set[frozenset]:
    """Return each two answers of a variant, as pairs of (question, answer).

    And those of TOGETHER with each of WITH_TOGETHER, if the variant has them.
    """
    found = {frozenset(two) for two in itertools.combinations(variant.items(), 2)}
    if TOGETHER.items() <= variant.items():
        found |= {frozenset([*TOGETHER.items(), (q, variant[q])]) for q in WITH_TOGETHER}
    return found


def all_pairs(choices: Choices) -> set[frozenset]:
    """Return each two answers that one variant can have."""
    found = set().union(
        *(
            {frozenset([(one, mine), (other, theirs)]) for mine in ones for theirs in others}
            for (one, ones), (other, others) in itertools.combinations(choices.items(), 2)
        )
    )
    if all(answer in choices.get(question, ()) for question, answer in TOGETHER.items()):
        found |= {
            frozenset([*TOGETHER.items(), (question, answer)])
            for question in WITH_TOGETHER
            for answer in choices[question]
        }
    return found


def combinations(choices: Choices) -> list[Variant]:
    return [
        dict(zip(choices, answers, strict=True)) for answers in itertools.product(*choices.values())
    ]


def best(candidates: Iterable[Variant], wanted: set[frozenset]) -> Variant:
    """Return the first of the candidates that have most of the wanted pairs."""
    return max(candidates, key=lambda candidate: len(pairs(candidate) & wanted))


def full_set(choices: Choices = CHOICES) -> list[Variant]:
    """Return each combination of the MULTIPLIED questions.

    The answers to further questions are those of the covering set. The other combinations
    have what pairs are missing, then the defaults. Where that needs more variants than there
    are combinations, some follow.
    """
    covering = {}
    for variant in covering_set(choices):
        covering.setdefault(combination_of(variant), variant)
    multiplied = {question: choices[question] for question in choices if question in MULTIPLIED}
    further = {question: choices[question] for question in choices if question not in MULTIPLIED}
    missing = all_pairs(choices).difference(*map(pairs, covering.values()))
    variants = []
    for combination in combinations(multiplied):
        candidates = [{**combination, **more} for more in combinations(further)]
        known = covering.get(combination_of(combination))
        variants.append(known or best(candidates, missing))
        missing -= pairs(variants[-1])
    while missing:
        variants.append(best(combinations(choices), missing))
        missing -= pairs(variants[-1])
    return [{question: variant[question] for question in choices} for variant in variants]


def combination_of(variant: Variant) -> tuple[str, ...]:
    return tuple(variant[question] for question in MULTIPLIED)


def covering_set(choices: Choices = CHOICES) -> list[Variant]:
    """Return few variants that have each pair of answers between them, the defaults first.

    A greedy search, from several orders: of the smallest sets found, one that has chats on
    each server with all layers, styles and databases between them, and few other chats, since
    their tests take the longest.
    https://en.wikipedia.org/wiki/All-pairs_testing
    """
    frozen = tuple((question, tuple(answers)) for question, answers in choices.items())
    return [variant.copy() for variant in _covering_set(frozen)]


@cache  # each process asks for it some thirty times
def _covering_set(choices: tuple[tuple[str, tuple[str, ...]], ...]) -> list[Variant]:
    candidates = [(variant, pairs(variant)) for variant in combinations(dict(choices))]
    found = [_search_from(seed, candidates) for seed in range(SEARCHES)]
    return min(found, key=preference)


def preference(variants: list[Variant]) -> tuple[int, int, int]:
    return (
        len(variants),
        -answers_among(one_for_each_server(chats(variants))),
        len(chats(variants)),
    )


def _search_from(seed: int, candidates: list[tuple[Variant, set[frozenset]]]) -> list[Variant]:
    """Return variants with all pairs that the candidates have. The first of these has the
    defaults."""
    defaults, mine = candidates[0]
    variants, missing = [defaults], set().union(*(theirs for _, theirs in candidates)) - mine
    candidates = candidates.copy()
    random.Random(seed).shuffle(candidates)
    while missing:
        variant, mine = max(candidates, key=lambda candidate: len(candidate[1] & missing))
        variants.append(variant)
        missing -= mine
    return variants


def one_for_each_server(variants: list[Variant]) -> list[Variant]:
    """Return one variant for each server, so that most answers are among them."""
    servers = [[v for v in variants if v["asgi_server"] == s] for s in CHOICES["asgi_server"]]
    return list(max(itertools.product(*filter(None, servers)), key=answers_among))


def answers_among(variants: Iterable[Variant]) -> int:
    return len({answer for variant in variants for answer in variant.items()})


def chats(variants: Iterable[Variant]) -> list[Variant]:
    return [variant for variant in variants if variant["starter"] == "chat"]


def with_defaults(**answers: str) -> Variant:
    """Return a variant that has these answers, and else the defaults."""
    return {question: choices[0] for question, choices in CHOICES.items()} | answers


def variant_id(answers: Mapping[str, str]) -> str:
    """Return a name such as "uvicorn-memory-async-chat-github-docker": the answers in the order
    of their questions' names, those of further questions last, "yes" by the name of its
    question, and "no" not at all."""
    order = sorted(CHOICES, key=lambda question: (question not in MULTIPLIED, question))
    words = (
        question if answers[question] == "yes" else answers[question]
        for question in order
        if answers[question] != "no"
    )
    return "-".join(words)


def files_of(project: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode and the content of each file of a baked project."""
    return {
        str(path.relative_to(project)): (path.stat().st_mode, path.read_bytes())
        for path in project.rglob("*")
        if path.is_file()
    }


def complete_answers() -> dict:
    """Return what cookiecutter knows after the last question, where all have their defaults."""
    answers = {name: value for name, value in ANSWERS.items() if name != "__prompts__"}
    first = {question: choices[0] for question, choices in CHOICES.items()}
    derived = {"project_slug": "my_realtime_project", "author_name": "Somebody"}
    return {**answers, **first, **derived, "_template": str(ROOT)}
