// Small manners of every page: menus close, code can be copied.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Words that explain themselves: the browser opens them by tap, click and Enter; this adds the mouse and the focus.
const LINGER = 200; // milliseconds in which the mouse can reach an explanation
let leaving;
const explained = (event) => event.target.closest?.(".explain");
const isOpen = (words) => words.matches(":popover-open");
function showWords(words) {
  clearTimeout(leaving);
  if (!isOpen(words)) words.showPopover();
}
function hideWords(words) {
  if (isOpen(words)) words.hidePopover();
}
document.addEventListener("pointerover", (event) => {
  const box = explained(event);
  if (box && event.pointerType === "mouse") showWords(box.lastElementChild);
});
document.addEventListener("pointerout", (event) => {
  const box = explained(event);
  if (!box || event.pointerType !== "mouse") return;
  if (box.contains(event.relatedTarget) || box.contains(document.activeElement)) return;
  leaving = setTimeout(hideWords, LINGER, box.lastElementChild);
});
document.addEventListener("focusin", (event) => {
  if (event.target.matches(".term:focus-visible")) showWords(event.target.nextElementSibling);
});
document.addEventListener("focusout", (event) => {
  const box = explained(event);
  if (box && !box.contains(event.relatedTarget)) hideWords(box.lastElementChild);
});
document.addEventListener("click", (event) => {
  const box = explained(event);
  if (!box || event.pointerType !== "mouse" || !event.target.matches(".term")) return;
  if (isOpen(box.lastElementChild)) event.preventDefault(); // the mouse that clicks has opened it already
});

function addCopyButtons(root) {
  if (!navigator.clipboard) return; // only on https and localhost
  for (const block of root.querySelectorAll(".md pre:not(.math), pre.copy")) {
    if (block.parentElement.classList.contains("copyable")) continue;
    const box = document.createElement("div");
    box.className = "copyable";
    block.replaceWith(box);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    box.append(block, button);
  }
}

// On a phone a switch is wider than the screen: begin at what is chosen.
function showChosen(root) {
  for (const chosen of root.querySelectorAll(".seg [aria-current]")) {
    chosen.parentElement.scrollLeft = chosen.offsetLeft - 40;
  }
}

// What scrolls must be reachable by key: the arrow keys move whatever has the focus.
const scrollables = ".md pre, .md table, .formula, pre.plain, .tw, .drawing";
function letScrollByKey(root) {
  for (const box of root.querySelectorAll(scrollables)) {
    const isHigher = box.scrollHeight > box.clientHeight && getComputedStyle(box).overflowY !== "hidden";
    if (box.scrollWidth > box.clientWidth || isHigher) box.tabIndex = 0;
    else if (box.tabIndex === 0) box.removeAttribute("tabindex");
  }
}

// A formula is copied as its source, not as a row of loose letters.
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return;
  const range = selection.getRangeAt(0);
  const within = range.commonAncestorContainer.parentElement.closest("math");
  if (within) range.selectNode(within);
  const box = document.createElement("div");
  box.className = "sr";
  box.append(range.cloneContents());
  const formulas = box.querySelectorAll("math[alttext]");
  if (!formulas.length) return;
  event.clipboardData.setData("text/html", box.innerHTML);
  for (const formula of formulas) {
    const mark = formula.getAttribute("display") ? "$$" : "$";
    formula.replaceWith(mark + formula.getAttribute("alttext") + mark);
  }
  document.body.append(box); // line breaks are known of what is drawn
  event.clipboardData.setData("text/plain", box.innerText);
  box.remove();
  event.preventDefault();
});

function prepare(root) {
  addCopyButtons(root);
  letScrollByKey(root);
  showChosen(root);
}

prepare(document);
document.addEventListener("htmx:afterSettle", (event) => prepare(event.target));
document.addEventListener("toggle", (event) => letScrollByKey(event.target), true);
window.addEventListener("resize", () => letScrollByKey(document));
document.documentElement.classList.add("js");
