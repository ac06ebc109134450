// Long texts are cut at about a screen. This file runs before the page is drawn, so that nothing jumps;
// without it every text stands there in full. A pair is cut and opened as one, so that neither answer stands out.
const GROUPS = ".pair, .prompt, .prompts > li";
const TEXTS = ":scope > .md, :scope > .answer > .md";
const ROOM = 1.25; // a text that is only a little longer than the cut is shown in full

const groups = () => [...document.querySelectorAll(GROUPS)];

function cut(group) {
  // On a phone one answer of a pair is not on the screen: it is measured when it comes.
  const texts = [...group.querySelectorAll(TEXTS)].filter(
    (text) => text.clientHeight && !text.matches(".over, .fits"));
  const isLong = texts.some((text) => text.scrollHeight > ROOM * text.clientHeight);
  for (const text of texts) {
    text.classList.add(isLong && text.scrollHeight > text.clientHeight ? "over" : "fits");
  }
}

function show(group, isWhole) {
  group.classList.toggle("whole", isWhole);
  for (const button of group.querySelectorAll(".unfold")) button.setAttribute("aria-expanded", isWhole);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(".unfold");
  if (!button) return;
  const group = button.closest(GROUPS);
  const before = button.getBoundingClientRect().top;
  const isWhole = !group.classList.contains("whole");
  show(group, isWhole);
  // The button stays under the finger when the text above it shrinks.
  if (!isWhole) window.scrollBy(0, button.getBoundingClientRect().top - before);
});

// Something beyond the cut was looked for: by Tab, or by the browser's search in the page.
document.addEventListener("scroll", (event) => {
  const down = event.target.scrollTop;
  if (event.target === document || !event.target.matches(".over") || !down) return;
  show(event.target.closest(GROUPS), true);
  window.scrollBy(0, down);
}, true);

const cutAll = () => groups().forEach(cut);
document.documentElement.classList.add("folds");
document.addEventListener("DOMContentLoaded", cutAll);
document.addEventListener("change", cutAll); // the other answer, on a phone
window.addEventListener("resize", cutAll);

// After a vote the same pair comes back with its names: what was open stays open.
let wasWhole = [];
document.addEventListener("htmx:beforeSwap", () => {
  wasWhole = groups().map((group) => group.classList.contains("whole"));
});
document.addEventListener("htmx:afterSwap", () => {
  cutAll();
  if (document.getElementById("next")) groups().forEach((group, place) => show(group, Boolean(wasWhole[place])));
});
