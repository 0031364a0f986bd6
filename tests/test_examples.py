"""Every example runs as it is written, and prints what it promises."""

import json
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
PROMISED = {
    "write_a_song": "quarters, in song/",
    "harmonic_map": "C | F | G7 | C",
    "check_your_own": "all rules: kept",
    "note_arrays": "quarters",
    "compare_temperatures": "bits per note",
}


def test_the_readme_of_the_examples_lists_all_of_them():
    listed = (EXAMPLES / "README.md").read_text()
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == set(PROMISED)
    assert all(f"`{name}.py`" in listed for name in names)


@pytest.mark.parametrize("name", PROMISED)
def test_example(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert PROMISED[name] in capsys.readouterr().out


REAPER = """
local notes = {{0, 1, 60}, {0, 1, 64}, {1, 2.5, 67}, {3, 4, 65}}  -- from and to in quarters, pitch
local function twice(quarters) return quarters / 2 end  -- seconds at 120 quarters a minute
reaper = setmetatable({
  ShowMessageBox = function(text) print("message " .. text) end,
  GetSelectedMediaItem = function() return "item" end,
  GetActiveTake = function(item) return item end,
  TakeIsMIDI = function() return true end,
  GetMediaItemInfo_Value = function() return 2.0 end,
  MIDI_CountEvts = function() return true, #notes end,
  MIDI_GetNote = function(_, n)
    return true, false, false, notes[n + 1][1] * 960, notes[n + 1][2] * 960, 0, notes[n + 1][3]
  end,
  MIDI_GetProjQNFromPPQPos = function(_, ppq) return 4 + ppq / 960 end,
  TimeMap2_timeToQN = function(_, time) return time * 2 end,
  TimeMap2_QNToTime = function(_, quarters) return twice(quarters) end,
  TimeMap_GetTimeSigAtTime = function() return 4, 4, 120 end,
  GetMediaItem_Track = function() return "track" end,
  CreateNewMIDIItemInProj = function(_, from, to) print("item", from, to) return "new" end,
  MIDI_GetPPQPosFromProjTime = function(_, time) return time end,
  MIDI_InsertNote = function(_, _, _, from, to, _, pitch) print("note", from, to, pitch) end,
  ExecProcess = function(command)
    local file = io.open(command:match('@([^"]+)"'))
    print("asked", file:read("a"))
    return ANSWER
  end,
}, {__index = function() return function() end end})
"""


@pytest.mark.skipif(shutil.which("lua5.4") is None, reason="lua5.4 is not installed")
def test_the_script_for_reaper_asks_for_a_continuation_and_inserts_it(tmp_path):
    script = EXAMPLES / "reaper_continue.lua"
    made = {"request": {"primers": []}, "melodies": [{"melody": {"notes": [[0, 24, 64], [96, 24, 69], [120, 12, 71]]}}]}
    found = []
    for answer in (json.dumps(made), json.dumps({"message": "no melody keeps them"}), ""):
        (tmp_path / "daw.lua").write_text(f"ANSWER = [==[{answer}]==]\n{REAPER}")
        done = subprocess.run(["lua5.4", "-l", "daw", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        found.append(done.stdout.splitlines())
    asked, *inserted = found[0]
    sent = json.loads(asked.removeprefix("asked\t"))
    assert sent["bars"] == 5
    assert sent["primer"] == {"notes": [[0, 24, 64], [24, 36, 67], [72, 24, 65]], "duration": 96, "meters": [[0, 4, 4]]}
    assert inserted == ["item\t4.0\t4.75", "note\t4.0\t4.5\t69", "note\t4.5\t4.75\t71"]
    assert found[1][1:] == ["message no melody keeps them"]
    assert "is `melody studio` running?" in found[2][1]
