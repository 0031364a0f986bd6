"""Syllables and stress of English and German words, by rules on their spelling.

A syllable has one nucleus, a group of vowels. English silent letters, German prefixes, and words that rules get wrong
are in small tables. Stress is that of the word by itself: little words such as "the" have none.
`benchmarks/lyrics.py` measures both on a list of words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

LANGUAGES = ("en", "de")
VOWELS = "aeiouyäöüàáâèéêëìíîïòóôùúûæœ"
APOSTROPHES = "'’‘`´"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_WEAK = {
    "en": frozenset(
        _words(
        """
        thou thee thine ye art wast wert hath doth o'er o’er ere till ’gainst like all such some each these those
        while yet nor oh ah 'twere one's let us more most just
        a an the and or but nor of to in on at by for from with as if than that this his her my thy your our
        their its it he she we ye you they me him us them i is am are was were be been do does did has have
        had shall will would should could can may might must so not no who whom which what when where there
        then through upon into unto o ’tis 'tis tis 'twas twas ’twas
        """
    )
    ),
    "de": frozenset(
        _words(
        """
        der die das dem den des ein eine einen einem einer eines und oder aber in im an am auf aus bei beim
        mit nach von vom zu zum zur als wie so daß dass wenn ob ich du er sie es wir ihr mich dich sich uns
        euch mir dir ihm ihn ihnen mein dein sein meine deine seine meinen deinen seinen meinem deinem
        seinem meiner deiner seiner ist sind war hat habe bin bist wird nicht noch doch nur da durch für um
        ihre ihren ihrem über unter wohl auch denn
        """
    )
    ),
}  # fmt: skip
"""Words without stress; of two syllables, the first may be lightly stressed, which is not counted."""
_DIVIDED = {
    "en": {
        word.replace("-", ""): tuple(word.split("-"))
        for word in (
            _words(
        """
        eve-ry eve-ry-where eve-ry-thing eve-ning peo-ple i-de-a cre-ate cre-a-tion cre-a-ture the-a-tre
        po-em po-et re-al a-re-a be-ing on-ion mu-se-um busi-ness does goes shoes toe foe woe doe friend
        piece sci-ence qui-et cho-ir vi-o-let vi-o-lets ai-ry wea-ry ev-er nev-er riv-er o-ver heav-en
        sev-en love-ly some-one some-times there-fore where-fore home-ward more-o-ver fare-well for-ev-er
        ev-er-more nev-er-more name-less use-ful prayer prayers toward towards li-on ri-ot di-et du-el
        cru-el fu-el jew-el ru-in sui-cide flu-id ge-nius gar-den sew-er high-er bi-ble po-e-sy po-et-ry
        o-be-di-ent au-di-ence a-gainst al-though beau-ti-ful won-drous qui-et-ly qui-et-ness mil-lion
        mil-lions u-nion pa-tient pa-tient-ly up-on an-y an-y-bod-y an-y-thing dia-mond dia-monds
        vic-to-ri-ous pa-tience hun-dred hun-dreds kin-dred eve-nings house-hold fore-head some-time some-what
        lone-li-ness li-eth tru-est might-i-est hap-pi-er hap-pi-est
        """
    )
        )
    },
    "de": {
        word.replace("-", ""): tuple(word.split("-"))
        for word in _words(
        """
        zu-erst fa-mi-lie li-lie li-li-en ler-che fa-mi-li-en the-a-ter po-e-sie ro-se hei-land mai-en ma-ri-a
        """
    )
    },
}  # fmt: skip
_ENGLISH_HIATUS = re.compile(
    r"(?<![ctsgx])i(?=a(?!ge)|o(?!us)|u)|(?<![ctsgxc])i(?=ous)|(?<![qg])u(?=a|e[ltn]|i[nd]|ou)|[aeiouy](?=ing(?:s|ly)?$)|e(?=ou?s?$)"
    r"|(?<=cr)e(?=a[dt])|(?<![lnrs])i(?=e[nt]t?s?$)|o(?=e[tm])"
)
_GERMAN_GROUP = re.compile(r"äu|au|ei|ai|eu|ie|aa|ee|oo|ey|ay|oe|ue|ae|[aeiouyäöüéèà]")
_ENGLISH_ONSETS = frozenset(
    _words(
        """
        bl br ch cl cr dr dw fl fr gl gr kl kn ph pl pr qu sc sch scr sh shr sk sl sm sn sp spl spr squ st str sw th thr
        tr tw vr wh wr
        """
    )
)
_ENGLISH_SPLIT = frozenset(["sl", "sm", "sn", "sp", "st", "sc", "sk", "sw", "str", "spl", "spr", "scr", "dw"])
"""Onsets of words that are divided within a word: mas-ter."""
_GERMAN_STEM = re.compile(r"(?:[^aeiouäöüy]|sch[lmnrw]?|s[pt]r?|[bpdtgkf][lr]|kn|qu|ch)?[aeiouäöüy]")
_GERMAN_UNITS = ("sch", "ch", "ck", "ph", "th", "qu", "rh")
_ENGLISH_PREFIXES = (
    "a", "be", "de", "re", "e", "en", "em", "ex", "con", "com", "dis", "for", "to", "per", "pre", "pro", "sur", "sub",
    "un", "up", "with", "im", "in", "mis", "ob", "al", "ad", "ac", "af", "ap", "ar", "as", "at", "im", "ab",
)  # fmt: skip
_ENGLISH_FIRST = frozenset(
    _words(
        """
        real into anybody anything any angel able after ever even every evening eagle early easy echo empty enter
        entrance ending image idle inner into island instant infant elder eager open over under ancient anger ankle
        apple answer april arrow artist arbour ashes atom autumn avid azure acre absent adder always almost also altar
        alder amber ample former forest forty fortune forward token torrent total tower toil tolling record region
        reason ready really desert debtor decent dismal distant pretty present presence prelude promise prosper problem
        profit person perfect perish convent comet comfort common comrade being better beauty bellow belly berry bedding
        bending upper uproar upward subject surface india indian inward income import insect index evil ebon echoes
        error elbow equal elfin acorn action active actor ashen aspen aster attic army arming ardent arctic argue rebel
        relic resin reckless redder reddish reeling reaping reading rearing resting river reverend denser deeper deepest
        deadly dearest dearly enemy emperor infinite
        """
    )
)
"""Words that begin as a prefix does, and are stressed on the first syllable."""
_ENGLISH_LAST = frozenset(
    _words(
        """
        alone along away among above about upon until unto around across hello today tonight tomorrow farewell himself
        herself myself thyself itself themselves ourselves yourself forever machine july guitar balloon indeed July
        divine sublime supreme serene severe sincere descend ascend create cascade parade lament o'erhead evermore
        nevermore without within between behind beyond beneath beside before because began begin begun become
        """
    )
)
_ENGLISH_BEFORE = re.compile(r"(?:[tscx]ions?|[tscx]ious|[tc]ial|ic|ity|ian|ians|eous)$")
"""Endings after the stressed syllable."""
_GERMAN_PREFIXES = ("be", "ge", "ver", "zer", "ent", "emp", "er", "hin", "her", "hinaus", "heraus", "herbei", "empor")
_GERMAN_FIRST = frozenset(
    _words(
        """
        erde erden erste ersten erster erbe ernte ernst ernster ernsten erz erle ehre ehren geben geber gegen gehen gern
        gerne gestern gelb gelbe gelbes gestein gerste beten betet beere berge bergen bessern besser beste besten becher
        beine beinen bellen beide beiden beutel ente enten ende enden enge engel engeln ebene eber herrn herren herz
        herze herzen herzens herde herbst herbste herrlich herrliche herr hinter hinten gebt gerten geist geister
        geistern geige geigen geiz gelder gelten gerade beeren berichte bebe beben bebt
        """
    )
)


def guess(words: Sequence[str]) -> str:
    """The language of some words: German letters and little words against English ones; English if nothing says."""
    german, english = 0, 0.0
    for word in words:
        bare = word.lower().strip(APOSTROPHES)
        german += (bare in _WEAK["de"]) + 2 * bool(set(bare) & set("äöüß"))
        english += (bare in _WEAK["en"]) + bool(set(word) & set(APOSTROPHES)) + ("th" in bare) / 2
    return "de" if german > english else "en"


@cache
def syllables(word: str, language: str) -> tuple[str, ...]:
    """A word's syllables, as its letters in groups; at least one.

    Args:
        word: letters and apostrophes.
        language: one of `LANGUAGES`.
    """
    lower = word.lower()
    if lower in _DIVIDED[language]:
        lengths = [len(part) for part in _DIVIDED[language][lower]]
        cuts = [sum(lengths[:number]) for number in range(len(lengths) + 1)]
        return tuple(word[a:b] for a, b in pairwise(cuts))
    nuclei = _english_nuclei(lower) if language == "en" else _german_nuclei(lower)
    cut = _english_cut if language == "en" else _german_cut
    cuts = [0, *(cut(lower, end, start) for (_, end), (start, _) in pairwise(nuclei)), len(word)]
    if language == "de" and len(cuts) > 2 and (prefix := _german_prefix(lower)):
        cuts[1] = len(prefix)
    return tuple(word[a:b] for a, b in pairwise(cuts))


@cache
def stresses(divided: tuple[str, ...], language: str) -> tuple[bool, ...]:
    """Which of a word's syllables are stressed: one, or none of a little word."""
    word = "".join(divided).lower()
    count = len(divided)
    if word in _WEAK[language]:
        return (False,) * count
    if count == 1:
        return (True,)
    at = _english_stress(word, divided) if language == "en" else _german_stress(word, count)
    return tuple(number == at for number in range(count))


def _english_stress(word: str, divided: tuple[str, ...]) -> int:
    count = len(divided)
    if word in _ENGLISH_LAST:
        return count - 1 if word not in ("tomorrow", "themselves") else 1
    if count == 2:
        if _ENGLISH_BEFORE.search(word):
            return 0
        prefix = divided[0].lower() in _ENGLISH_PREFIXES and word not in _ENGLISH_FIRST
        ending = re.search(r"(?:ing|ly|y|le|er|en|ow|ish|et|ant|ard|ward|ness)$", word) is not None
        return 1 if prefix and not (ending and divided[0].lower() not in ("a", "be", "de", "re", "un")) else 0
    if _ENGLISH_BEFORE.search(word):
        return max(count - 2 if not word.endswith("ity") else count - 3, 0)
    prefix = divided[0].lower() in (
        "a",
        "be",
        "de",
        "re",
        "en",
        "un",
        "ex",
        "for",
        "to",
        "re",
        "im",
        "con",
        "dis",
        "un",
    )
    return 1 if prefix and word not in _ENGLISH_FIRST else 0


def _german_stress(word: str, count: int) -> int:
    if re.search(r"ier(?:en|t|te|ten)$", word) and count > 2:
        return count - 2 if word.endswith(("en", "te")) else count - 1
    if word.endswith(("tion", "ei", "ie", "ur", "al", "ell")) and count > 1 and not word.endswith(("elei",)):
        return count - 1 if word.endswith(("tion", "erei", "elei")) else 0
    return 1 if _german_prefix(word) else 0


def _german_prefix(word: str) -> str:
    """The unstressed prefix of a word; empty if it has none."""
    if word in _GERMAN_FIRST:
        return ""
    for prefix in sorted(_GERMAN_PREFIXES, key=len, reverse=True):
        rest = word[len(prefix) :]
        letters = sum(letter in "aeiouäöüy" for letter in rest)
        if word.startswith(prefix) and letters and len(rest) > 2:
            if prefix in ("be", "ge") and rest[0] in "iuy":
                return ""
            if prefix in ("be", "ge") and not _GERMAN_STEM.match(rest):
                return ""
            if prefix == "er" and rest[:1] in ("d", "n"):
                return ""
            return prefix
    return ""


def _english_nuclei(word: str) -> list[tuple[int, int]]:
    """Start and end of each nucleus of a word in small letters."""
    plain = re.sub(rf"[{APOSTROPHES}]", "'", word)
    shown = re.sub(r"^y(?=[aeiou])|(?<=q)u|(?<=g)u(?=[aeiy])|y(?=[aeou])(?<=[aeiou]y)", "#", plain)
    shown = re.sub(r"(?<=[aeiouy])'(?=[aeiouy])", "*", shown)  # o'er has one syllable
    found: list[tuple[int, int]] = []
    for match in re.finditer(r"[aeiouyàáâèéêëìíîïòóôùúûæœ*]+", shown):
        start, end = match.span()
        cuts = [start, *(at.end() for at in _ENGLISH_HIATUS.finditer(shown) if start < at.end() < end), end]
        found += pairwise(cuts)
    return [span for number, span in enumerate(found) if not _is_silent(shown, span, number, len(found))] or [
        (0, len(word))
    ]


def _is_silent(word: str, span: tuple[int, int], number: int, count: int) -> bool:
    """Whether a nucleus is an e that is not spoken."""
    start, end = span
    if number == 0 or word[start:end] != "e":
        return False
    rest, before = word[end:].rstrip("'"), word[start - 1] if start else ""
    after_l = before == "l" and start > 1 and word[start - 2] not in "aeiouyrlw"
    if not rest:
        return not (after_l or (before == "r" and word[start - 2 : start - 1] in ("t", "c", "b")))
    if rest in ("s", "'s"):
        return not (after_l or before in "szxcgj" or word[start - 2 : start] in ("ch", "sh"))
    if rest == "d":
        return before not in "td" and not after_l
    if rest == "dst":
        return before not in "td"
    return number + 1 < count and rest in (
        "ly", "ful", "less", "ness", "ment", "ments", "some", "times", "thing", "where", "lessness", "fully", "lessly",
        "ways", "man",
    )  # fmt: skip


def _english_cut(word: str, end: int, start: int) -> int:
    """Where two syllables part, between the end of a nucleus and the start of the next."""
    between = word[end:start]
    if between and re.match(r"(?:ings?|e[ds])$", word[start:]) and between not in ("th", "ch", "sh"):
        return start - (len(between) > 1 and between[-1] == between[-2] and between[-1] not in "sl")
    if word[start] == "e" and between[-2:] in ("tl", "dl", "zl"):
        return start - 2
    for length in range(min(len(between), 3), 1, -1):
        tail = between[-length:]
        if tail in _ENGLISH_ONSETS and not (tail in _ENGLISH_SPLIT and length == len(between)):
            return start - length
    if between in ("x", "ck", "ng", "gh"):
        return start
    return start - 1 if between else start


def _german_nuclei(word: str) -> list[tuple[int, int]]:
    shown = re.sub(r"(?<=q)u|^y(?=[aeiou])|^j", "#", word)
    return [match.span() for match in _GERMAN_GROUP.finditer(shown)] or [(0, len(word))]


def _german_cut(word: str, end: int, start: int) -> int:
    for unit in _GERMAN_UNITS:
        if word[end:start].endswith(unit):
            return start - len(unit)
    return max(start - 1, end)
