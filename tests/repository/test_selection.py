"""Which variants the tests run: few that have every pair of choices, or all."""

import os
import subprocess
import sys

import pytest
from variants import (
    CHOICES,
    MULTIPLIED,
    ROOT,
    all_pairs,
    chats,
    combinations,
    covering_set,
    full_set,
    one_for_each_server,
    pairs,
    variant_id,
)

# Questions that cookiecutter.json may have one day, and more of them than it ever will.
FURTHER = {
    "none": {},
    "three": {"cache": ["a", "b"], "docker": ["no", "yes"], "ci": ["x", "y", "z"]},
    "large": {"cache": list("abcde"), "docker": list("01234")},
}


@pytest.fixture(params=FURTHER.values(), ids=FURTHER)
def choices(request) -> dict[str, list[str]]:
    return {**CHOICES, **request.param}


def pairs_among(variants: list[dict[str, str]]) -> set[frozenset]:
    return set().union(*map(pairs, variants))


def test_all_pairs_are_those_of_all_combinations():
    assert all_pairs(CHOICES) == pairs_among(combinations(CHOICES))


def test_the_covering_set_has_every_pair_and_the_defaults(choices):
    variants = covering_set(choices)
    assert pairs_among(variants) == all_pairs(choices)
    assert variants[0] == {question: answers[0] for question, answers in choices.items()}


def test_the_covering_set_is_small():
    largest, second = sorted(map(len, CHOICES.values()))[:-3:-1]
    assert largest * second <= len(covering_set()) <= 14


def test_further_questions_cost_two_variants_at_most():
    assert len(covering_set({**CHOICES, **FURTHER["three"]})) <= len(covering_set()) + 2


def test_the_full_set_has_each_combination_and_every_pair_of_further_answers(choices):
    variants = full_set(choices)
    multiplied = {question: choices[question] for question in MULTIPLIED}
    found = [{question: variant[question] for question in MULTIPLIED} for variant in variants]
    assert all(combination in found for combination in combinations(multiplied))
    assert pairs_among(variants) == all_pairs(choices)
    assert all(list(variant) == list(choices) for variant in variants)


def test_further_questions_do_not_multiply_the_full_set():
    assert len(full_set({**CHOICES, **FURTHER["three"]})) == 48


def test_four_chats_have_each_server_layer_and_style():
    four = one_for_each_server(chats(covering_set()))
    assert len(four) == len(CHOICES["asgi_server"])
    for question in ("asgi_server", "channel_layer", "consumer_style", "database"):
        assert {variant[question] for variant in four} == set(CHOICES[question])


@pytest.mark.parametrize("variants", [covering_set(), full_set()], ids=["covering", "full"])
@pytest.mark.parametrize("question", ["channel_layer", "consumer_style"])
def test_chats_on_postgresql_have_each_layer_and_style(variants, question):
    on_postgresql = [v for v in chats(variants) if v["database"] == "postgresql"]
    assert {variant[question] for variant in on_postgresql} == set(CHOICES[question])


# The files whose tests have variants to choose from.
FILES = ["tests/variants/test_variants.py", "tests/variants/test_faults.py"]


def collected(*words: str, ci: str = "") -> list[str]:
    """Return the tests that would run."""
    environment = {n: v for n, v in os.environ.items() if n != "CI" and "PYTEST" not in n}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-n0", *words],
        cwd=ROOT,
        env={**environment, **({"CI": ci} if ci else {})},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def variants_in(lines: list[str], test: str) -> set[str]:
    return {line.partition("[")[2].rstrip("]") for line in lines if f"::{test}[" in line}


GATE, FAULTS = "test_a_variant_passes_its_own_gate", "test_nothing_is_lost_when_things_break"


@pytest.mark.parametrize(
    ("words", "ci", "of_all"),
    [
        ([], "", False),
        ([], "true", True),
        (["--variants=all"], "", True),
        (["--variants=pairs"], "true", False),
        (["-k", "gate or faults"], "", True),
    ],
)
def test_the_option_chooses_the_variants(words, ci, of_all):
    lines = collected(*words, *FILES, ci=ci)
    gates = variants_in(lines, GATE)
    faults = variants_in(lines, FAULTS)
    for wanted, found in (
        (full_set() if of_all else covering_set(), gates),
        (chats(full_set()) if of_all else one_for_each_server(chats(covering_set())), faults),
    ):
        names = {variant_id(variant) for variant in wanted}
        # Some of the covering set run on a newer Python, whose version follows their name.
        known = names | {variant_id(variant) for variant in covering_set()}
        assert all(any(f.startswith(name) for f in found) for name in names)
        assert all(any(f.startswith(name) for name in known) for f in found)


@pytest.mark.parametrize(
    ("words", "ci", "left_out"),
    [
        ([], "", True),
        (["--variants=pairs"], "true", True),
        ([], "true", False),
        (["-m", "long"], "", False),
        (["tests/variants/test_tutorial.py"], "", False),
    ],
)
def test_only_a_plain_run_on_pairs_leaves_the_recipes_out(words, ci, left_out):
    assert left_out != any("test_tutorial.py::" in line for line in collected(*words, ci=ci))
