"""The tokens of ABC music lines, as regular expressions."""

import re

# Quantities within brackets and quotes are bounded, so that a line of a million brackets takes linear time.
_LENGTH = r"\d*/*\d*"
_NOTE = rf"(\^{{1,2}}|_{{1,2}}|=)?([A-Ga-g])([',]*)({_LENGTH})(-?)"
_IN_CHORD = r"(?>(?:\"[^\"]{0,200}\"|![^!|]{1,40}!|\+[^+|]{1,40}\+|[^\]\[|:\"]){1,200})"
_OLD_LINE = r"(?!f+z?!)(?:[A-Ga-gz][',]*\d*/?\d*\s*){2,}!"  # notes between two line breaks of ABC 1.6, no decoration
TOKEN = re.compile(
    rf"""\s*(?:
      (?P<note>{_NOTE})
    | (?P<rest>([zxZX])({_LENGTH}))
    | (?P<bar>(\[\|[\]:|]*|(?:\||::)[|:\]]*|:+[|\]]+)(\s*\[\d[\d,.\-]*|\d[\d,.\-]*
              |\s+[1-9](?=\s*[A-Ga-gz"({{\[^_=]))?)                            # perhaps an ending: |1 or | [1
    | (?P<ending>\[(\d[\d,.\-]*))
    | (?P<tuplet>\(([2-9])(?::([1-9]?))?(?::(\d{{0,2}}))?)                   # (p:q:r
    | (?P<broken><{{1,3}}|>{{1,3}})
    | (?P<inline>\[([A-Za-z]):([^\]]{{0,200}})\])
    | (?P<chord>\[(?!\d)({_IN_CHORD})\]({_LENGTH})(-?))
    | (?P<old_chord>\+([\^_=]?[A-Ga-g][',]*\d{{0,3}}/?\d{{0,3}}){{2,6}}\+)           # +EA+ of ABC 1.6
    | (?P<late_tie>-)
    | (?P<overlay>\(&|&\)|&+)
    | (?P<line_break>\$)
    | (?P<breath>!breath!)
    | (?P<grace>\{{[^}}]{{0,200}}\}})
    | "(?P<quoted>[^"]{{0,200}})" | !(?!{_OLD_LINE})[^!|]{{1,40}}! | \+[^+|]{{1,40}}\+  # text, decoration
    | y\d{{0,4}} | [~.H-Wh-w()`*;?@\#!\\:] | $
    | (?P<mistake>.)
    )""",
    re.VERBOSE,
)
"""One token of a music line; the name of its group says what it is. Text and decorations have none."""
CHORD_NOTE = re.compile(rf"\"[^\"]*\"|![^!]*!|\+[^+]*\+|\{{[^}}]*\}}|{_NOTE}")
"""A note within a chord; text, decorations and grace notes are passed over."""
FIELD = re.compile(r"([A-Za-z+]):(?![|:])\s*(.*)")
"""A field such as ``K:G``: its letter and its value."""
QUOTED_PRINTABLE = re.compile(r"=(20)?$")
"""What mail programs left at the end of a line."""
