"""Parts of Markdown documents."""

from itertools import pairwise

from markdown_it import MarkdownIt


def headings(markdown: str) -> list[str]:
    tokens = MarkdownIt().parse(markdown)
    return [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]


def section(markdown: str, heading: str) -> str:
    """Return what stands below a heading of the second level, up to the next one."""
    _, _, rest = f"\n{markdown}".partition(f"\n## {heading}\n")
    return rest.partition("\n## ")[0]


def code(markdown: str, language: str) -> list[str]:
    tokens = MarkdownIt().parse(markdown)
    return [token.content for token in tokens if token.type == "fence" and token.info == language]
