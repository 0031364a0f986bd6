"""The command line as a person meets it: answers, mistakes, interrupts."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import melodysynthesis
from melodysynthesis import api, formats
from melodysynthesis.apps import bench, cli
from melodysynthesis.apps.cli import VERBS, run
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import files
from melodysynthesis.formats.grid import melody_of
from melodysynthesis.music import MODES
from melodysynthesis.runtime.pretrained import PRETRAINED

SOURCE = str(Path(melodysynthesis.__file__).parents[1])
MELODY = [sys.executable, "-c", "from melodysynthesis.apps.cli import main; main()"]
MADE_HERE = sorted({"generate", "inspect", "export", "models", "bench", "doctor"})


def melody(*arguments, **options):
    """The program in its own process."""
    return subprocess.run(
        [*MELODY, *arguments], capture_output=True, text=True, check=False, timeout=60,
        **{"env": {**os.environ, "PYTHONPATH": SOURCE}, **options},
    )  # fmt: skip


def test_help_names_every_verb_and_gives_an_example(capsys):
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in VERBS)
    assert "Example: melody generate" in printed


def test_without_a_verb_help_is_printed(capsys):
    assert run([]) == 0
    assert "Usage: melody" in capsys.readouterr().out


def test_a_verb_with_verbs_of_its_own_prints_them(capsys):
    assert run(["corpus"]) == 0
    assert "audit" in capsys.readouterr().out


@pytest.mark.parametrize("verb", MADE_HERE)
def test_the_help_of_each_verb_has_an_example(verb, capsys):
    assert run([verb, "--help"]) == 0
    assert f"Example: melody {verb}" in capsys.readouterr().out


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"melodysynthesis {melodysynthesis.__version__}\n"


def test_help_imports_nothing_heavy():
    code = "import sys; from melodysynthesis.apps.cli import run; run(['--help']); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    loaded = done.stdout.splitlines()[-1]
    assert not [name for name in ("numpy", "pydantic", "rich", "onnxruntime", "torch") if f"'{name}'" in loaded]


def test_generate_does_not_import_torch_or_plots(models, folder):
    code = (
        "import sys; from melodysynthesis.apps.cli import run; "
        f"run(['generate', '--quiet', '--model', {models['event']!r}]); print(sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )  # fmt: skip
    loaded = done.stdout.splitlines()[-1]
    assert not [name for name in ("torch", "matplotlib", "verovio", "music21", "rich") if f"'{name}'" in loaded]


MISTAKES = [
    (["generat"], "unknown verb 'generat': did you mean generate?"),
    (["generate", "--modle", "x"], "no such option: --modle"),
    (["generate", "--count"], "'--count' requires an argument"),
    (["generate", "--count", "many"], "'--count'"),
    (["generate", "--model", "{event}", "--count", "0"], "--count must be a whole number from 1 to"),
    (["generate", "--model", "{event}", "--temperature", "-1"], "--temperature must be a number"),
    (["generate", "--model", "{event}", "--temperature", "0", "--top-k", "3"], "no effect"),
    (["generate", "--model", "{event}", "--top-p", "1.5"], "--top-p must be a number above 0 and at most 1"),
    (["generate", "--model", "{event}", "--bars", "10000"], "--bars must be a whole number from 1 to 127"),
    (["generate", "--model", "{event}", "--key", "H"], "German H is B"),
    (["generate", "--model", "{event}", "--meter", "3/5"], "meter '3/5'"),
    (["generate", "--model", "{event}", "--pickup", "1"], "a pickup needs a meter"),
    (["generate", "--model", "{event}", "--primer", "G4:1/7"], "inline note 1"),
    (["generate", "--model", "{event}", "--primer", ""], "the primer is empty"),
    (["generate", "--model", "{event}", "--primer", "nowhere.mid"], "no such file"),
    (["generate", "--model", "{event}", "--primer", "nothing"], "neither notes such as"),
    (["generate", "--model", "{event}", "--primer", "G4:9", "--meter", "4/4", "--bars", "2"], "set bars to 3 or more"),
    (["generate", "--model", "{event}", "--part", "1"], "give --primer too"),
    (["generate", "--model", "{event}", "--format", "midd"], "unknown format 'midd': did you mean mid"),
    (["generate", "--model", "{event}", "--out", "file/below"], "folder can't be made"),
    (["generate", "--model", "{event}", "--out", "file"], "there is a file of that name"),
    (["generate", "--model", "{grid}", "--bars", "4"], "bars need a meter"),
    (["generate", "--model", "{grid}", "--primer", "C-1"], "no token"),
    (["generate", "--model", "lstmm"], "unknown model 'lstmm': did you mean lstm"),
    (["generate", "--model", "nowhere.onnx"], "no such file"),
    (["generate", "--model", "file"], "file"),
    (["generate", "--model", ""], "model ''"),
    (["generate", "--from", "nowhere.json"], "no such file"),
    (["generate", "--from", "tune.json"], "does not say how the melody was generated"),
    (["generate", "--from", "tune.json", "--seed", "1", "--bars", "3"], "leave out --bars, --seed"),
    (["generate", "stray"], "stray"),
    (["inspect"], "missing argument 'FILE"),
    (["inspect", "nowhere.mid"], "no such file"),
    (["inspect", "file"], "no suffix"),
    (["export", "tune.json"], "missing option '--format'"),
    (["export", "tune.json", "--format", "xyz"], "unknown format 'xyz'"),
    (["export", "tune.json", "--format", ","], "no format is named"),
    (["export", "tune.json", "--format", "mid", "--out", "file/below"], "folder can't be made"),
    (["bench", "cold_strat"], "unknown benchmark 'cold_strat': did you mean cold_start"),
    (["models", "lstmm"], "unknown model"),
]


@pytest.mark.parametrize(("arguments", "match"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_code_2(arguments, match, models, folder, capsys):
    (folder / "file").write_text("60 _ _ _")
    formats.write(melody_of(["60", "_", "62", "_"]), folder / "tune.json")
    before = sorted(folder.rglob("*"))
    assert run([word.format(**models) for word in arguments]) == 2
    said = capsys.readouterr()
    assert said.out in ("", "[]\n")
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("melody")
    assert match.lower() in said.err.lower()
    assert sorted(folder.rglob("*")) == before


def test_under_json_a_mistake_is_json_on_standard_error(models, folder, capsys):
    asked = ["generate", "--model", models["event"], "--bars", "4", "--meter", "3/4", "--json"]
    assert run([*asked, "--durations", "5", "--no-rests"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    error = json.loads(printed.err.splitlines()[-1])["error"]
    assert error["type"] == "RequestError"
    assert "durations" in error["message"]
    assert set(error["rules"]) == {"durations", "rests"}
    assert run(["inspect", "--json", "file"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out) == []
    assert json.loads(printed.err)["error"]["type"] == "FormatError"
    assert run(["generate", "--jsn", "--json"]) == 2
    assert "--jsn" in json.loads(capsys.readouterr().err)["error"]["message"]


def test_help_can_be_asked_for_in_three_ways(capsys):
    printed = []
    for words in (["help", "generate"], ["generate", "-h"], ["generate", "--help"]):
        assert run(words) == 0
        printed.append(capsys.readouterr().out)
    assert len(set(printed)) == 1
    assert run(["help"]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_help_of_generate_is_in_groups_and_lists_what_can_be_chosen(capsys):
    assert run(["generate", "--help"]) == 0
    printed = capsys.readouterr().out
    groups = [line.rstrip(":") for line in printed.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert groups == [
        "What to write", "Rules, kept by every melody", "Sampling", "Files", "Output", "What can be chosen",
    ]  # fmt: skip
    words = " ".join(printed.split())
    assert all(name in words for name in (*PRETRAINED, *MODES, "melodic-minor", "chromatic", "Gm7b5", "G7sus4"))
    before_rules, _, rules = printed.partition("Rules, kept by every melody:")
    assert "--bars" in before_rules
    assert "--scale" in rules.partition("Sampling:")[0]


def test_help_without_groups_has_one_list_of_options(capsys):
    assert run(["metrics", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "Options:" in printed
    assert "Output:" not in printed


@pytest.mark.parametrize("verb", ["corpus", "listen", "study"])
def test_help_of_verbs_within_a_verb_is_not_cut(verb, capsys):
    assert run([verb, "--help"]) == 0
    assert not re.search(r"\w\.\.\.", capsys.readouterr().out)


def test_a_shell_can_complete_verbs_and_options(monkeypatch):
    monkeypatch.setenv("_MELODY_COMPLETE", "complete_bash")
    for line, word, expected in (("melody insp", 1, "inspect"), ("melody generate --chor", 2, "--chords")):
        done = melody(env={**os.environ, "PYTHONPATH": SOURCE, "COMP_WORDS": line, "COMP_CWORD": str(word)})
        assert done.stdout.split() == [expected]


def test_the_package_is_a_program(capsys):
    done = subprocess.run(
        [sys.executable, "-m", "melodysynthesis", "--version"], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )  # fmt: skip
    assert done.stdout == f"melodysynthesis {melodysynthesis.__version__}\n"


def test_generate_writes_files_and_says_what_they_are(models, folder, capsys):
    assert run(["generate", "--model", models["event"], "--count", "2", "--seed", "7", "--bars", "4", "--meter", "4/4",
                "--key", "G major", "--pickup", "0", "--format", "mid,abc"]) == 0  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("G major, 4/4, 4 bars" in line for line in lines)
    names = sorted(path.name for path in (folder / "generated_melodies").iterdir())
    assert [Path(name).suffix for name in names] == [".abc", ".json", ".mid"] * 2
    assert all(name.startswith("scale-event-seed7-00") for name in names)


def test_the_same_request_writes_the_same_files(models, folder):
    words = ["generate", "--quiet", "--model", models["event"], "--seed", "7", "--bars", "4", "--meter", "4/4"]
    assert run(words) == 0
    first = {path: path.read_bytes() for path in (folder / "generated_melodies").iterdir()}
    assert run(words) == 0
    assert run([*words, "--count", "3"]) == 0
    assert {path: path.read_bytes() for path in first} == first
    assert len(list((folder / "generated_melodies").iterdir())) == 6


def test_what_somebody_changed_is_not_overwritten(models, folder, capsys):
    words = ["generate", "--quiet", "--model", models["event"], "--seed", "7", "--bars", "4", "--meter", "4/4"]
    assert run(words) == 0
    (path,) = (folder / "generated_melodies").glob("*.mid")
    path.write_bytes(b"mine")
    assert run([*words, "--format", "mid,abc"]) == 2
    assert "there is another file of this name" in capsys.readouterr().err
    assert path.read_bytes() == b"mine"
    assert not list(path.parent.glob("*.abc"))


def test_a_melody_is_made_again_from_its_json(models, folder, capsys):
    words = ["--model", models["event"], "--count", "3", "--primer", "G4:1 A4:1/2 B4 C5:1", "--temperature", "3"]
    assert run(["generate", "--quiet", *words]) == 0
    path = sorted((folder / "generated_melodies").glob("*.json"))[2]
    assert run(["generate", "--from", str(path), "--out", "again", "--quiet"]) == 0
    again = folder / "again" / path.name
    assert again.read_bytes() == path.read_bytes()
    assert again.with_suffix(".mid").read_bytes() == path.with_suffix(".mid").read_bytes()
    said = json.loads(path.read_text())
    said["notes"][-1][2] += 1
    path.write_text(json.dumps(said))
    assert run(["generate", "--from", str(path), "--out", "third"]) == 2
    assert "the melody is not the one in" in capsys.readouterr().err


def test_the_json_says_where_a_melody_is_from(models, folder, capsys):
    assert (
        run(["generate", "--model", models["grid"], "--seed", "3", "--meter", "4/4", "--primer", "C4 D4", "--json"])
        == 0
    )
    said = capsys.readouterr()
    (answer,) = json.loads(said.out)
    file = json.loads(Path(answer["files"][-1]).read_text())
    about = file["provenance"]
    assert about == {name: value for name, value in answer.items() if name != "files"}
    assert about["model"]["card"]["figures"] == {"bits per note": 1.25}
    assert len(about["model"]["sha256"]) == 64
    assert (about["seed"], about["index"]) == (3, 0)
    assert about["bits_per_note"] > 0
    assert about["statistics"]["meter"] == "4/4"
    assert (
        formats.read(answer["files"][-1]).melodies[0].notes[:2]
        == formats.read(answer["files"][0]).melodies[0].notes[:2]
    )
    assert "accents may not fit" in said.err


def test_a_seed_nobody_chose_is_told(models, folder, capsys):
    assert run(["generate", "--model", models["event"]]) == 0
    said = capsys.readouterr().err
    assert "--seed" in said
    assert said.split()[1].strip(":") in next((folder / "generated_melodies").iterdir()).name


def test_each_melody_of_a_file_is_continued(models, folder, capsys):
    (folder / "primers.txt").write_text("60 _ _ _ 62 _\n64 _ 65\n")
    words = ["generate", "--model", models["grid"], "--primer", "primers.txt", "--seed", "1", "--format", "grid"]
    assert run([*words, "--count", "1"]) == 0
    assert "2 melodies; continuing the first" in capsys.readouterr().err
    assert run([*words, "--count", "2"]) == 0
    written = sorted((folder / "generated_melodies").glob("*.grid"))
    assert written[0].read_text().startswith("60 _ _ _ 62 _ ")
    assert written[1].read_text().startswith("64 _ 65")


def test_inspect_says_what_a_file_is(folder, capsys):
    (folder / "tune.txt").write_text("67 _ _ _ 71 _ _ _ 67 _ _ _ _ _ _ _\n")
    assert run(["inspect", "tune.txt"]) == 0
    assert "3 notes from G4 to B4" in capsys.readouterr().out
    assert run(["inspect", "tune.txt", "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)
    (found,) = file["melodies"]
    assert (found["notes"], found["key_stated"], found["inline"]) == (3, False, "G4:1 B4:1 G4:2")


def test_inspect_counts_one_as_one(folder, capsys):
    (folder / "one.abc").write_text("X:1\nM:4/4\nL:1/4\nK:C\nCDEF|\n")
    assert run(["inspect", "one.abc"]) == 0
    assert "1 bar; 4 notes" in (said := capsys.readouterr().out)
    assert "1 phrase;" in said


def test_a_folder_that_takes_no_file_is_named(models, folder, capsys, monkeypatch):
    def refuse(path, data):
        raise FormatError("can't be written: Permission denied", str(path), "can't write")

    monkeypatch.setattr(files, "save", refuse)
    assert run(["generate", "--bars", "2", "--meter", "3/4", "--out", "closed"]) == 2
    assert capsys.readouterr().err == ("melody: closed: a file here can't be written: Permission denied\n")


def test_inspect_reads_the_good_files_beside_bad_ones(folder, capsys):
    (folder / "good.txt").write_text("60 _ 62 _\n")
    (folder / "bad.mid").write_bytes(b"MThd")
    (folder / "empty.abc").write_bytes(b"")
    assert run(["inspect", "bad.mid", "good.txt", "empty.abc"]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("good.txt:1: ")
    assert [line.split(":")[1].strip() for line in said.err.splitlines()] == ["bad.mid", "empty.abc"]


def test_export_writes_other_formats_and_overwrites_only_when_told(folder, capsys):
    (folder / "tunes.txt").write_text("60 _ 62 _ _ _\n64 _ _ _\n")
    assert run(["export", "tunes.txt", "--format", "mid,json", "--out", "there"]) == 0
    names = [
        str(Path("there") / name) for name in ("tunes-001.mid", "tunes-001.json", "tunes-002.mid", "tunes-002.json")
    ]
    assert capsys.readouterr().out.splitlines() == names
    assert run(["export", "tunes.txt", "--format", "mid,json", "--out", "there"]) == 0
    Path(names[0]).write_bytes(b"mine")
    assert run(["export", "tunes.txt", "--format", "mid", "--out", "there"]) == 2
    assert "--force" in capsys.readouterr().err
    assert run(["export", "tunes.txt", "--format", "mid", "--out", "there", "--force"]) == 0
    assert Path(names[0]).read_bytes() != b"mine"


def test_models_shows_a_card(models, capsys):
    assert run(["models", models["event"], "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert (card["architecture"], card["encoding"]) == ("ngram", "event")
    assert run(["models"]) == 0


def test_doctor_checks_everything(folder, capsys, monkeypatch):
    monkeypatch.setattr(formats, "FORMATS", {"midi": formats.FORMATS["midi"]})  # the others start slow libraries
    code = run(["doctor", "--json"])
    checks = {check["what"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["writing midi"]["works"]
    assert checks["writing here"]["works"]
    assert code == int(not all(check["works"] for check in checks.values() if check["needed"]))
    assert list(folder.iterdir()) == []


def test_bench_lists_what_there_is(capsys):
    assert run(["bench"]) == 0
    assert "cold_start" in capsys.readouterr().out


def test_bench_works_in_the_projects_folder_for_an_installed_package(folder, monkeypatch, capsys):
    monkeypatch.setattr(bench, "FOLDERS", (folder / "nowhere", *bench.FOLDERS[1:]))
    assert run(["bench"]) == 2
    assert "run this in the project's folder" in capsys.readouterr().err
    (folder / "benchmarks").mkdir()
    (folder / "benchmarks" / "cold_start.py").write_text('"""How fast it starts."""\n')
    assert run(["bench"]) == 0
    assert capsys.readouterr().out == "cold_start  How fast it starts.\n"


def test_an_interrupt_is_one_line_and_130(models, monkeypatch, folder, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "draw", interrupt)
    assert run(["generate", "--model", models["event"]]) == 130
    assert capsys.readouterr().err == "melody: stopped\n"


def test_a_library_that_is_not_there_is_named_with_its_extra(monkeypatch, capsys):
    def missing(name):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(cli, "import_module", missing)
    assert run(["train"]) == 2
    assert capsys.readouterr().err == "melody: torch is not installed: pip install 'melodysynthesis[train]'\n"


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    (tmp_path / "tunes.txt").write_text("60 _ 62 _\n" * 2000)
    command = " ".join(f"'{word}'" for word in MELODY) + " inspect tunes.txt | head -1; exit ${PIPESTATUS[0]}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith("tunes.txt:1")
    assert done.returncode == 141


def test_a_full_disk_leaves_nothing_half_written(models, tmp_path):
    done = melody(
        "generate", "--model", models["event"], "--count", "3", "--format", "mid",
        cwd=tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)),
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "can't be written" in done.stderr
    assert list((tmp_path / "generated_melodies").iterdir()) == []
