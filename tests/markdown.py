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


def code_blocks(markdown: str) -> list[tuple[str, str]]:
    """Return the language and the text of each fenced block, in order."""
    tokens = MarkdownIt().parse(markdown)
    return [(token.info, token.content) for token in tokens if token.type == "fence"]


def code(markdown: str, language: str) -> list[str]:
    return [text for info, text in code_blocks(markdown) if info == language]
