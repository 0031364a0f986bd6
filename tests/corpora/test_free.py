"""Collections that a user has in a folder, and those that are put together of several."""

from pathlib import Path

import pytest

from melodysynthesis import corpora
from melodysynthesis.corpora import chorales, sources
from melodysynthesis.errors import CorpusError, FormatError
from melodysynthesis.formats import midi, musicxml
from melodysynthesis.training.data import licence_of
from tests.corpora.test_corpus import tune


@pytest.fixture
def free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a few Lieder and dances; the named collections are empty, so that nothing else is read."""
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "free"
    for name, write, suffix, first in (
        ("lieder", musicxml.write, "musicxml", 0),
        ("ceol-rince", midi.write, "mid", 10),
    ):
        (folder / name).mkdir(parents=True)
        for number in range(first, first + 8):
            (folder / name / f"{number}.{suffix}").write_bytes(write(tune(number)))
    return folder


@pytest.mark.parametrize(
    ("name", "style", "terms"), [("lieder", "art song", "CC0 1.0"), ("ceol-rince", "dance", "public domain")]
)
def test_a_collection_in_a_folder(free: Path, name: str, style: str, terms: str) -> None:
    located = f"{name}:{free / name}"
    corpus = corpora.load(located)
    assert (corpus.name, len(corpus), corpus.report.styles) == (name, 8, {style: 8})
    assert {corpus.style_of(index) for index in range(8)} == {style}
    assert terms in licence_of(located)
    assert str(free) not in licence_of(located), "a card must not tell the folders of a machine"
    assert terms in corpora.find_source(located).licence_text()


def test_a_relative_folder_is_found_again_from_elsewhere(free: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(free)
    locator = corpora.find_source("lieder:lieder").locator
    monkeypatch.chdir(free.parent)
    assert len(corpora.load(locator)) == 8


def test_all_free_collections_together(free: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hymns = free.parent / "hymns"
    hymns.mkdir()
    (hymns / "a.musicxml").write_bytes(musicxml.write(tune(30)))
    few = sources.Source("chorales", "Hymns", str(hymns), (), "", sources._own_file, style="hymn")
    for name in ("_CHORALES", "_AIRDS", "_ONEILLS", "_RYANS"):
        monkeypatch.setattr(sources, name, few if name == "_CHORALES" else sources._lieder(str(free / "lieder")))
    corpus = corpora.load(f"free:{free}")
    assert corpus.name == "free"
    assert corpus.report.styles == {"art song": 32, "dance": 8, "hymn": 1}
    assert corpus.style_of(0) == "hymn"
    assert corpora.audit(corpus).ok, "equal tunes of several collections are one family"


@pytest.mark.parametrize("name", ["lieder", "lieder:", "ceol-rince:nowhere", "free:nowhere"])
def test_a_missing_folder_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=r"expected (lieder|ceol-rince|free):FOLDER with the folder"):
        corpora.load(name)


def test_a_free_folder_without_one_of_its_collections_is_refused(free: Path) -> None:
    (free / "lieder").rename(free / "songs")
    with pytest.raises(CorpusError, match=r"corpus 'free': there is no folder .*lieder"):
        corpora.load(f"free:{free}")


def test_a_chorale_is_its_soprano_with_fermatas_as_phrase_ends() -> None:
    ((source, path),) = [found for found in corpora.find_source("chorales").files() if found[1].name == "bwv269.mxl"]
    (melody,) = source.read(path.read_bytes(), path.name, None).melodies
    assert (str(melody.key), len(melody), len(melody.phrase_ends)) == ("G major", 46, 6)
    with pytest.raises(FormatError, match="only the soprano"):
        source.read(path.read_bytes(), path.name, "Alto")
    with pytest.raises(FormatError, match="no chorale of four voices: it has no Soprano"):
        chorales.read(musicxml.write_zipped(tune(1)), "tune.mxl")
