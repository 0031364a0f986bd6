"""Syllables and stress of words that were divided by hand."""

import pytest

from melodysynthesis.prosody import guess, stresses, syllables

ENGLISH = """
ta-ble lit-tle twin-kle star won-der-ing won-der-ful a-bove dia-mond heav-en ev-er nev-er riv-er moun-tain
val-ley love loved lov-ing want-ed cho-sen walked danced wish-es lone-ly wan-dered floats o'er vales gold-en
daf-fo-dils be-side be-neath trees flut-ter-ing breeze beau-ti-ful na-tion pre-cious glo-ri-ous mu-sic mel-o-dy
sci-ence po-em qui-et li-on cru-el go-ing see-ing be-ing cry-ing i-de-a re-al peo-ple eve-ning strength through
ti-ger burn-ing for-ests im-mor-tal eye fear-ful sym-me-try as-pire seize shoul-der ham-mer an-vil dead-ly
gen-tle fleece mer-ri-ly po-ny feath-er mac-a-ro-ni lis-ten-ers si-lence grass-es an-y-bod-y de-scend-ed in-to
per-plexed phan-toms qui-et-ly care-ful some-times mil-lion un-ion spe-cial pa-tient o-cean vi-o-let pi-an-o
ra-di-ant a-gainst re-mem-ber for-got-ten pic-ture pleas-ure cas-tle whis-tle peb-ble kin-dle heav'n ne'er
wan-d'ring
"""
GERMAN = """
lie-be him-mel er-de ster-ne rös-lein kna-be steh'n jung mor-gen-schön seh'n vie-len freu-den brun-nen
lin-den-baum träum-te schat-ten sü-ßen rin-de ge-dan-ken flie-hen nächt-li-che wis-sen schie-ßen ge-bro-chen
ver-ges-sen zer-bre-chen ent-zün-den er-in-nern emp-fan-gen be-gin-nen schwes-ter müt-ter schau-en freu-e treu-e
ei-er bau-er ap-fel sit-zen zu-cker deut-sche mäd-chen hei-li-ge hoch-hei-li-ge lo-cki-gen himm-li-scher
tan-nen-baum blät-ter som-mer-zeit be-deu-ten mär-chen flie-ßet gip-fel ber-ges a-bend-son-nen-schein schif-fer
quel-le vö-ge-lein herz schlaf
"""
STRESSED = {
    "en": "a-BOVE be-NEATH im-MOR-tal as-PIRE re-MEM-ber for-GOT-ten LIT-tle WAN-dered GOLD-en E-very GLO-ri-ous",
    "de": "ge-DAN-ken ver-GES-sen er-IN-nern be-GIN-nen HIM-mel LIE-be BLÄT-ter GE-ben ER-de BER-ges",
}


@pytest.mark.parametrize(("language", "words"), [("en", ENGLISH), ("de", GERMAN)])
def test_syllables_are_counted_as_by_hand(language, words):
    wrong = [word for word in words.split() if len(syllables(word.replace("-", ""), language)) != word.count("-") + 1]
    assert not wrong


@pytest.mark.parametrize(("language", "words"), [("en", ENGLISH), ("de", GERMAN)])
def test_most_words_are_divided_as_by_hand_and_none_loses_a_letter(language, words):
    found = {word: syllables(word.replace("-", ""), language) for word in words.split()}
    assert all("".join(parts) == word.replace("-", "") for word, parts in found.items())
    assert sum("-".join(parts) == word for word, parts in found.items()) >= 0.85 * len(found)


@pytest.mark.parametrize("language", STRESSED)
def test_stress_is_found_as_by_hand(language):
    for word in STRESSED[language].split():
        divided = syllables(word.replace("-", "").lower(), language)
        assert stresses(divided, language) == tuple(part.isupper() for part in word.split("-")), word


def test_little_words_have_no_stress_and_others_of_one_syllable_have():
    assert [stresses((word,), "en") for word in ("the", "star")] == [(False,), (True,)]
    assert [stresses((word,), "de") for word in ("der", "Stern")] == [(False,), (True,)]


def test_the_language_is_guessed():
    assert guess(["The", "curfew", "tolls", "the", "knell", "of", "parting", "day"]) == "en"
    assert guess(["Ich", "weiß", "nicht", "was", "soll", "es", "bedeuten"]) == "de"
    assert guess(["Sah", "ein", "Knab", "ein", "Röslein", "stehn"]) == "de"
    assert guess(["la"]) == "en"
