-- Continue the selected MIDI item of REAPER with a melody from the studio.
--
-- Start `melody studio --no-browser`, select a MIDI item, and run this script as a ReaScript (Actions, New action, Load).
-- It sends the item's top line to http://127.0.0.1:8765/api/generate and puts an item with what follows behind it, on the
-- same track. It needs the program curl, which Windows, macOS and most Linux systems have.

local ADDRESS = "http://127.0.0.1:8765/api/generate"
local NEW_BARS = 4 -- how many bars are written
local TEMPERATURE = 0.9
local TICKS = 24 -- of the studio's melodies, to the quarter note
local SECONDS = 60

local function fail(message)
  reaper.ShowMessageBox(message, "Melody continuation", 0)
end

-- The highest note at each onset, cut where the next one begins: {onset, duration, pitch} in the studio's ticks.
local function top_line(take, item_start)
  local _, count = reaper.MIDI_CountEvts(take)
  local first = reaper.TimeMap2_timeToQN(0, item_start)
  local highest, onsets = {}, {}
  for index = 0, count - 1 do
    local _, _, muted, from, to, _, pitch = reaper.MIDI_GetNote(take, index)
    if not muted then
      local onset = math.floor((reaper.MIDI_GetProjQNFromPPQPos(take, from) - first) * TICKS + 0.5)
      local stop = math.floor((reaper.MIDI_GetProjQNFromPPQPos(take, to) - first) * TICKS + 0.5)
      if onset >= 0 and stop > onset then
        if not highest[onset] then onsets[#onsets + 1] = onset end
        if not highest[onset] or highest[onset].pitch < pitch then
          highest[onset] = {pitch = pitch, stop = stop}
        end
      end
    end
  end
  table.sort(onsets)
  local notes = {}
  for number, onset in ipairs(onsets) do
    local stop = math.min(highest[onset].stop, onsets[number + 1] or math.huge)
    notes[#notes + 1] = {onset, stop - onset, highest[onset].pitch}
  end
  return notes
end

-- The request as JSON: the melody as a primer, and so many bars in all. Also the tick at which the melody ends.
local function request_of(notes, beats, unit)
  local bar = beats * TICKS * 4 // unit
  local last = notes[#notes]
  local bars = -(-(last[1] + last[2]) // bar)
  local written = {}
  for number, note in ipairs(notes) do
    written[number] = string.format("[%d,%d,%d]", note[1], note[2], note[3])
  end
  local melody = string.format('{"notes":[%s],"duration":%d,"meters":[[0,%d,%d]]}',
    table.concat(written, ","), last[1] + last[2], beats, unit)
  local body = string.format('{"primer":%s,"bars":%d,"temperature":%g}', melody, bars + NEW_BARS, TEMPERATURE)
  return body, last[1] + last[2]
end

-- The notes of the first melody of an answer, or nil and the studio's message.
local function notes_of(answer)
  local melodies = answer:match('"melodies"%s*:%s*(%b[])')
  local list = melodies and melodies:match('"notes"%s*:%s*(%b[])')
  if not list then
    return nil, answer:match('"message"%s*:%s*"(.-[^\\])"') or "there is no answer: is `melody studio` running?"
  end
  local notes = {}
  for onset, duration, pitch in list:gmatch("%[%s*(%d+)%s*,%s*(%d+)%s*,%s*(%d+)%s*%]") do
    notes[#notes + 1] = {tonumber(onset), tonumber(duration), tonumber(pitch)}
  end
  return notes
end

local function ask(body)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(body)
  file:close()
  local command = string.format('curl -s -m %d -H "Content-Type: application/json" --data-binary "@%s" %s',
    SECONDS, path, ADDRESS)
  local answer = reaper.ExecProcess(command, (SECONDS + 5) * 1000) or ""
  os.remove(path)
  return answer
end

local function main()
  local item = reaper.GetSelectedMediaItem(0, 0)
  local take = item and reaper.GetActiveTake(item)
  if not take or not reaper.TakeIsMIDI(take) then return fail("Select a MIDI item first.") end
  local start = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  local notes = top_line(take, start)
  if #notes == 0 then return fail("The item has no notes.") end
  local beats, unit = reaper.TimeMap_GetTimeSigAtTime(0, start)
  local body, behind = request_of(notes, math.floor(beats), math.floor(unit))
  local answer, message = notes_of(ask(body))
  if not answer then return fail(message) end

  local first = reaper.TimeMap2_timeToQN(0, start)
  local function time_of(tick) return reaper.TimeMap2_QNToTime(0, first + tick / TICKS) end
  local final = answer[#answer]
  reaper.Undo_BeginBlock()
  local track = reaper.GetMediaItem_Track(item)
  local new_end = math.max(final[1] + final[2], behind + 1)
  local new = reaper.CreateNewMIDIItemInProj(track, time_of(behind), time_of(new_end), false)
  local new_take = reaper.GetActiveTake(new)
  for _, note in ipairs(answer) do
    if note[1] >= behind then
      local from = reaper.MIDI_GetPPQPosFromProjTime(new_take, time_of(note[1]))
      local to = reaper.MIDI_GetPPQPosFromProjTime(new_take, time_of(note[1] + note[2]))
      reaper.MIDI_InsertNote(new_take, false, false, from, to, 0, note[3], 96, true)
    end
  end
  reaper.MIDI_Sort(new_take)
  reaper.Undo_EndBlock("Continue the melody", -1)
  reaper.UpdateArrange()
end

main()
