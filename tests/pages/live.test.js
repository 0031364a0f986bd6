// Playing live: the clock of the studio, MIDI keyboards, and the scrolling roll.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveSocket } from "../../src/melodysynthesis/apps/studio/static/live-socket.js";
import { Keyboards, NoMidi } from "../../src/melodysynthesis/apps/studio/static/midi.js";
import { ScrollingRoll } from "../../src/melodysynthesis/apps/studio/static/scrolling-roll.js";
import { fake } from "./setup.js";

/** A socket whose pongs are answered at these seconds of the page. */
function measured(t, pongs) {
  const said = [];
  const socket = new LiveSocket({ said: (message) => said.push(message), lost: () => {}, measured: () => {} });
  for (const { sent, now, back } of pongs) {
    fake(t, "performance", { now: () => back * 1000 });
    socket.take({ type: "pong", sent, now });
  }
  return { socket, said };
}

test("the studio's clock is told by the fastest ping, half a round trip after it was sent", (t) => {
  const { socket } = measured(t, [{ sent: 1, now: 101.3, back: 1.4 }, { sent: 2, now: 102.05, back: 2.1 }, { sent: 3, now: 104, back: 3.9 }]);
  assert.ok(Math.abs(socket.ahead - 100) < 1e-9, String(socket.ahead));
  assert.ok(Math.abs(socket.there(5000) - 105) < 1e-9);
  assert.ok(Math.abs(socket.here(105) - 5000) < 1e-6);
});

test("the round trip that is shown is the median; before the first there is none", (t) => {
  assert.equal(measured(t, []).socket.trip, null);
  const pongs = [0.4, 0.1, 0.2].map((trip, n) => ({ sent: n, now: n, back: n + trip }));
  assert.ok(Math.abs(measured(t, pongs).socket.trip - 0.2) < 1e-9);
});

test("only the latest pings tell the time", (t) => {
  const old = { sent: 0, now: 50, back: 0.001 };
  const later = Array.from({ length: 8 }, (_, n) => ({ sent: n + 1, now: n + 11.05, back: n + 1.1 }));
  assert.ok(Math.abs(measured(t, [old, ...later]).socket.ahead - 10) < 1e-9);
});

/** A WebSocket that keeps what is sent, and opens when it is told to. */
class FakeWebSocket {
  static OPEN = 1;
  readyState = 0;
  sent = [];
  send(text) {
    this.sent.push(JSON.parse(text).type);
  }
  close() {
    this.onclose();
  }
}

test("what is sent before the socket is open is sent then, in order; a loss is told, a close is not", (t) => {
  fake(t, "WebSocket", FakeWebSocket);
  fake(t, "location", { protocol: "http:", host: "localhost" });
  t.mock.method(globalThis, "setTimeout", () => 0);
  t.mock.method(globalThis, "setInterval", () => 0);
  const told = [];
  const socket = new LiveSocket({ said: (message) => told.push(message.type), lost: () => told.push("lost"), measured: () => {} });
  socket.send({ type: "stop" });
  socket.open();
  const { socket: first } = socket;
  socket.send({ type: "play" });
  socket.send({ type: "midi" });
  assert.deepEqual(first.sent, []);
  first.readyState = FakeWebSocket.OPEN;
  first.onopen();
  socket.send({ type: "panic" });
  assert.deepEqual(first.sent, ["play", "midi", "panic"]);
  socket.take({ type: "ready" });
  first.close();
  assert.deepEqual(told, ["ready", "lost"]);
  socket.open();
  socket.close();
  assert.deepEqual(told, ["ready", "lost"]);
});

/** Keyboards that keep what is played. */
function keyboards() {
  const played = [];
  return { keyboards: new Keyboards((data, stamp) => played.push([data, stamp]), () => {}), played };
}

test("notes of all channels are one person's; a note-on of velocity 0 lets the key go", () => {
  const { keyboards: midi, played } = keyboards();
  midi.take([0x93, 60, 90], 1);
  midi.take([0x93, 60, 0], 2);
  midi.take([0x82, 61, 5], 3);
  assert.deepEqual(played, [[[0x90, 60, 90], 1], [[0x90, 60, 0], 2], [[0x80, 61, 5], 3]]);
  assert.equal(midi.down.size, 0);
});

test("of controllers only the orders of silence are passed on", () => {
  const { keyboards: midi, played } = keyboards();
  for (const message of [[0xb0, 64, 127], [0xe0, 0, 64], [0xf8], [0xb0, 123, 0], [0xb0, 120, 0]]) midi.take(message, 0);
  assert.deepEqual(played.map(([data]) => data[1]), [123, 120]);
});

test("a keyboard that is unplugged lets all its keys go", (t) => {
  fake(t, "performance", { now: () => 7 });
  const { keyboards: midi, played } = keyboards();
  midi.take([0x90, 60, 90], 1);
  midi.take([0x90, 64, 90], 1);
  midi.release();
  assert.deepEqual(played.slice(2), [[[0x80, 60, 0], 7], [[0x80, 64, 0], 7]]);
  midi.release();
  assert.equal(played.length, 4);
});

test("a browser without WebMIDI, and one that refuses, are told apart", async (t) => {
  fake(t, "navigator", {});
  await assert.rejects(keyboards().keyboards.connect(), (error) => error instanceof NoMidi && /no WebMIDI/.test(error.message));
  fake(t, "navigator", { requestMIDIAccess: async () => { throw new DOMException("no", "SecurityError"); } });
  await assert.rejects(keyboards().keyboards.connect(), /not allowed/);
});

test("a note of the roll ends where it ends; one that ends before it begins has no length", () => {
  const roll = new ScrollingRoll(null, () => {});
  roll.start("model", 60, 100);
  roll.stop("model", 60, 200);
  roll.start("model", 60, 300);
  roll.stop("model", 60, 250);
  roll.start("yours", 60, 300);
  assert.deepEqual(roll.marks.map(({ start, end }) => [start, end]), [[100, 200], [300, 300], [300, null]]);
});

test("a key that is struck again ends its note; silence ends all that sound, and leaves what has ended", () => {
  const roll = new ScrollingRoll(null, () => {});
  roll.start("yours", 60, 100);
  roll.start("yours", 60, 200);
  roll.start("model", 64, 900);
  roll.cut(500);
  assert.deepEqual(roll.marks.map(({ start, end }) => [start, end]), [[100, 200], [200, 500], [900, 900]]);
});

test("with reduced motion the notes stand still, and now moves over them", (t) => {
  fake(t, "devicePixelRatio", 1);
  fake(t, "getComputedStyle", () => ({ getPropertyValue: () => "" }));
  const drawn = (still, now) => {
    const boxes = [];
    const paint = { setTransform() {}, clearRect() {}, fillRect: (x) => boxes.push(x), beginPath() {}, roundRect: (x) => boxes.push(x), fill() {} };
    const roll = new ScrollingRoll({ clientWidth: 900, clientHeight: 90, getContext: () => paint }, () => {});
    roll.still = still;
    roll.start("yours", 60, 8000);
    roll.stop("yours", 60, 8100);
    roll.draw(now);
    return boxes.slice(-2); // the note, and now
  };
  const [[note, at], [later, moved]] = [drawn(true, 8200), drawn(true, 8700)];
  assert.equal(note, later);
  assert.equal(Math.round(moved - at), 50);
  const [[rolling], [rolled]] = [drawn(false, 8200), drawn(false, 8700)];
  assert.equal(Math.round(rolling - rolled), 50);
});
