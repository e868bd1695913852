"""Says what the long tests are doing, and at the end which variants were tested."""

import textwrap
import time
from collections.abc import Callable, Sequence

import pytest
from variants import chats, full_set, variant_id

# The tests that have a variant for a parameter, and what they do with it.
VARIANT_TESTS = {
    "test_variants.py::test_a_variant_passes_its_own_gate[": "gate",
    "test_readme_commands.py::test_the_commands_of_a_project_s_readme_work[": "README",
    "test_faults.py::test_nothing_is_lost_when_things_break[": "faults",
}


def variant_test(nodeid: str) -> tuple[str, str] | None:
    """Return what a test does and the name in its brackets, where that is a variant's."""
    for test, kind in VARIANT_TESTS.items():
        _, found, rest = nodeid.partition(test)
        if found:
            return kind, rest.removesuffix("]")
    return None


class Progress:
    """A plugin for the process that reports."""

    def __init__(self, config: pytest.Config, left_out: Sequence[str] = ()) -> None:
        self.config = config
        self.left_out = left_out  # the files whose tests do not run
        self.began = time.monotonic()
        self.collected: dict[str, set[str]] = {}
        self.begun: dict[str, list[str]] = {}
        self.passed: dict[str, set[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._collect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        self._collect(ids)

    def _collect(self, nodeids: list[str]) -> None:
        for kind, name in filter(None, map(variant_test, nodeids)):
            self.collected.setdefault(kind, set()).add(name)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if test := variant_test(nodeid):
            kind, name = test
            begun = self.begun.setdefault(kind, [])
            begun.append(name)
            self._say(f"{kind} {len(begun)} of {len(self.collected[kind])} begins: {name}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" or (test := variant_test(report.nodeid)) is None:
            return
        kind, name = test
        self._say(f"{kind} {report.outcome} after {report.duration:.0f} s: {name}")
        if report.passed:
            self.passed.setdefault(kind, set()).add(name)

    def _say(self, text: str) -> None:
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.ensure_newline()
            terminal.write_line(f"[{time.monotonic() - self.began:4.0f} s] {text}")

    def pytest_terminal_summary(self, terminalreporter) -> None:
        if not self.begun:
            return
        terminalreporter.section("variants")
        for kind, begun in self.begun.items():
            names = [variant_id(v) for v in (chats(full_set()) if kind == "faults" else full_set())]
            passed = self.passed.get(kind, set())
            groups = {"passed": [], "failed": [], "not run": []}
            for name in names:
                mine = {test for test in begun if test.startswith(name)}
                result = "not run" if not mine else "passed" if mine <= passed else "failed"
                groups[result].append(name)
            for result, found in groups.items():
                self._list(terminalreporter.write_line, f"{kind}, {result}", found, len(names))
        if self.left_out:
            terminalreporter.write_line(f"recipes, not run: {' '.join(self.left_out)}")
        if self.config.option.variants != "all":
            terminalreporter.write_line("To run all of them: pytest --variants=all")

    @staticmethod
    def _list(write: Callable[[str], None], title: str, names: list[str], of: int) -> None:
        if names:
            text = f"{title} ({len(names)} of {of}): {' '.join(names)}"
            for line in textwrap.wrap(text, 110, subsequent_indent="  ", break_on_hyphens=False):
                write(line)
