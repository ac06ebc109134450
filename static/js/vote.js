// Voting by key, and the list of keys. Without this file every button still works.
const ON = "arena-keys";
const BY_KEY = { 1: "first", 2: "tie", 3: "both_bad", 4: "second", ArrowLeft: "first", ArrowRight: "second" };
const dialog = document.getElementById("keys");
const switchedOn = document.getElementById("keys-on");

switchedOn.checked = localStorage.getItem(ON) !== "off";
switchedOn.addEventListener("change", () => localStorage.setItem(ON, switchedOn.checked ? "on" : "off"));

function press(selector) {
  const target = document.querySelector(selector);
  if (target && !target.disabled) target.click();
  return Boolean(target);
}

function busy(event) {
  const typing = event.target.closest("input, textarea, select, pre, dialog, summary");
  return event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey || typing;
}

function act(key) {
  if (key === "?") return dialog.showModal(), true;
  if (!switchedOn.checked) return false;
  if (key in BY_KEY) return press(`#ballot button[value=${BY_KEY[key]}]`);
  if (key === "s") return press("#skip");
  if (key === "u") return press("#undo");
  return key === "n" && press("#next");
}

document.addEventListener("keydown", (event) => {
  if (!busy(event) && act(event.key)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("#show-keys")) dialog.showModal();
  if (event.target === dialog) dialog.close();
});

// The new pair is read from its heading on; the reveal puts the focus on "Next pair" by itself.
document.addEventListener("htmx:afterSwap", () => {
  if (!document.getElementById("next")) document.getElementById("main").focus({ preventScroll: true });
});

// The seconds left to undo, and no button once they are over. The server goes by its own clock.
let ticking = 0;
function countDown() {
  clearInterval(ticking);
  const left = document.querySelector("#undo .left");
  if (!left) return;
  const end = performance.now() + 1000 * left.dataset.seconds;
  ticking = setInterval(() => {
    const seconds = Math.ceil((end - performance.now()) / 1000);
    left.textContent = `${seconds} s`;
    const form = left.closest("form");
    if (seconds > 0 || form.classList.contains("htmx-request")) return;
    clearInterval(ticking);
    if (form.contains(document.activeElement)) document.getElementById("next").focus();
    form.querySelector("button").disabled = true;
    form.classList.add("over"); // keeps its room, so that no finger meets "Next pair" in its place
  }, 200);
}
document.addEventListener("htmx:afterSwap", countDown);
countDown();

// A vote that did not arrive is said, and can be pressed again: the server counts it once.
function failed(sentence) {
  const bar = document.querySelector("#ballot .bar");
  bar?.querySelector(".callout")?.remove();
  const line = document.createElement("p");
  line.className = "callout wrong";
  line.setAttribute("role", "alert");
  line.textContent = sentence;
  bar?.prepend(line);
}
document.addEventListener("htmx:sendError", () => failed("The site could not be reached. Try again: a vote counts once."));
document.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  const isSentence = (answer.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  if (answer.status === 403) location.reload(); // the session changed in another window
  else failed(isSentence ? answer.responseText : `That did not work (error ${answer.status}). Try again: a vote counts once.`);
});
