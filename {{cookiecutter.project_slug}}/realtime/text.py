"""Which characters of people's words can be seen.

https://www.unicode.org/reports/tr44/#General_Category_Values
"""

from unicodedata import category

# Letters and signs that are drawn as nothing: fillers of Hangul, Braille's empty cell, a notehead.
BLANK = "\u115f\u1160\u2800\u3164\uffa0\U0001d159"

# Controls, formats, halves of surrogate pairs, separators, marks on other characters. Private and
# unassigned ones are not among them: other people's fonts and newer emoji are visible.
UNSEEN = {"Cc", "Cf", "Cs", "Me", "Mn", "Zl", "Zp", "Zs"}


def is_visible(character: str) -> bool:
    return character not in BLANK and category(character) not in UNSEEN


def has_visible(text: str) -> bool:
    return any(map(is_visible, text))
