// The page: welcome, one question after another, thanks. What is answered is on the server before the next one is shown.

import * as api from "./api.js";
import { Melody } from "./melody.js";
import { byId, html } from "/studio/dom.js";

/** @import {Answer, Progress, Question} from "./api.js" */

const VIEWS = ["welcome", "question", "end"];
const RATED = {
  pleasing: { question: "How much do you like it?", ends: ["not at all", "very much"] },
  human: { question: "Was it written by a person or by a computer?", ends: ["surely a computer", "surely a person"] },
};
const CHOICES = { first: "Melody A", neither: "No difference", second: "Melody B" };

const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (byId(id));
const form = /** @type {HTMLFormElement} */ (byId("question"));
const about = await api.about().catch((error) => {
  tell(error);
  throw error;
});
const kept = `listen ${about.key}`; // where this browser keeps the participant's code
let token = localStorage.getItem(kept) ?? "";
/** @type {Melody[]} */
let melodies = [];
/** @type {Question | null} */
let question = null;
let shownAt = 0;

// ---- what is shown

/** @param {string} view */
function show(view) {
  for (const name of VIEWS) byId(name).hidden = name !== view;
  byId("own").hidden = byId("progress").hidden = !token;
  byId("code").textContent = token;
  const heading = byId(view).querySelector("h2");
  heading?.focus(); // so that a screen reader says what is new, and the next Tab goes on from here
}

/** @param {unknown} message */
function tell(message) {
  byId("message").textContent = message instanceof Error ? message.message : String(message);
  byId("message").classList.toggle("mistake", message instanceof Error);
}

/** @param {Progress} progress */
function goOn(progress) {
  for (const melody of melodies) melody.stop();
  tell("");
  question = progress.question;
  byId("bar").setAttribute("max", String(progress.total));
  byId("bar").setAttribute("value", String(progress.done));
  byId("count").textContent = question ? `${progress.done + 1} of ${progress.total}` : `all ${progress.total} answered`;
  if (question) ask(question);
  show(question ? "question" : "end");
  shownAt = performance.now();
}

/** @param {Question} question */
function ask(question) {
  const pair = question.kind === "pair";
  byId("question-title").textContent = pair ? "Hear both melodies: which do you like better?" : "Hear this melody: what do you think of it?";
  byId("demand").textContent = demandOf(question);
  byId("demand").hidden = !question.told;
  const mine = token;
  melodies = question.sounds.map((name, number) =>
    new Melody(pair ? `Melody ${"AB"[number]}` : "The melody", () => api.sound(mine, name), { heard: allow, failed: (error) => void trying(() => Promise.reject(error)) }));
  byId("melodies").replaceChildren(...melodies.map((melody) => melody.element));
  byId("answers").replaceChildren(...(pair ? [choice()] : Object.keys(RATED).map(rating)));
  allow();
}

/** The answer that the page demands, to see that people read. @param {Question} question */
function demandOf({ kind, told }) {
  if (!told) return "";
  const what = kind === "pair" ? CHOICES[/** @type {keyof typeof CHOICES} */ (told)] : `${told} in both rows`;
  return `This one is to see that you are with us: please choose ${what}, whatever you hear.`;
}

function choice() {
  return html("fieldset", {}, html("legend", { class: "unseen" }, "Which do you like better?"),
    html("div", { class: "choices" }, ...Object.entries(CHOICES).map(([value, text]) => option("choice", value, text))));
}

/** @param {string} name */
function rating(name) {
  const { question: text, ends } = RATED[/** @type {keyof typeof RATED} */ (name)];
  const [low, high] = about.scale;
  const numbers = Array.from({ length: high - low + 1 }, (_, step) => String(low + step));
  return html("fieldset", { "aria-describedby": `${name}-ends` }, html("legend", {}, text),
    html("div", { class: "choices" }, ...numbers.map((number) => option(name, number, number))),
    html("div", { class: "ends", id: `${name}-ends` }, html("span", {}, `${low}: ${ends[0]}`), html("span", {}, `${high}: ${ends[1]}`)));
}

/** @param {string} name @param {string} value @param {string} text */
function option(name, value, text) {
  return html("label", {}, html("input", { type: "radio", name, value, required: true }), text);
}

/** Let people answer once they have heard all to the end; and go on when they have answered. */
function allow() {
  const heard = melodies.every((melody) => melody.heard);
  for (const fieldset of form.querySelectorAll("fieldset")) fieldset.disabled = !heard;
  const them = melodies.length > 1 ? "both" : "it";
  byId("hint").textContent = heard ? `You can hear ${them} again as often as you like.` : `You can answer when you have heard ${them} to the end.`;
  button("next").disabled = !heard || !form.checkValidity();
}

// ---- what people do

byId("agree").addEventListener("submit", (event) => {
  event.preventDefault();
  void trying(async () => {
    const { token: given, ...progress } = await api.join();
    token = given;
    localStorage.setItem(kept, token);
    goOn(progress);
  });
});

form.addEventListener("change", allow);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const answered = question;
  if (!answered || button("next").disabled) return;
  const chosen = Object.fromEntries(new FormData(form));
  /** @type {Answer} */
  const answer = answered.kind === "pair" ? { choice: String(chosen.choice) } : { pleasing: Number(chosen.pleasing), human: Number(chosen.human) };
  const seconds = Math.min((performance.now() - shownAt) / 1000, 86400);
  button("next").disabled = true;
  void trying(async () => goOn(await api.answer(token, answered.place, answer, seconds)));
});

button("leave").addEventListener("click", () => /** @type {HTMLDialogElement} */ (byId("sure")).showModal());
byId("sure").addEventListener("close", (event) => {
  const dialog = /** @type {HTMLDialogElement} */ (event.target);
  if (dialog.returnValue !== "delete") return;
  dialog.returnValue = "";
  void trying(async () => {
    await api.leave(token);
    forget("All your answers are deleted.");
  });
});

/** @param {string} why */
function forget(why) {
  for (const melody of melodies) melody.stop();
  token = "";
  localStorage.removeItem(kept);
  tell(why);
  show("welcome");
}

/** Do what may fail; the answer on the page stays, so that it can be sent again. @param {() => Promise<void>} act */
async function trying(act) {
  try {
    await act();
  } catch (error) {
    if (error instanceof api.Refusal && error.status === 401) forget("Your answers are no longer there: they were deleted. You can begin again.");
    else if (error instanceof api.Refusal && [404, 409].includes(error.status)) goOn(await api.progress(token)); // answered in another tab
    else {
      tell(error);
      if (question) allow();
    }
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? (dark.matches ? "dark" : "light");
button("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
});

// ---- begin, or go on

document.title = byId("title").textContent = about.title;
byId("consent").replaceChildren(...about.consent.split(/\n\s*\n/).map((paragraph) => html("p", {}, paragraph)));
if (token) await trying(async () => goOn(await api.progress(token)));
else show("welcome");
document.body.dataset.ready = "";
