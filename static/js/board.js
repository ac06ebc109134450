// The board's filters without a button, and the box that finds a model. All of it works without this file
// but the box, which stays hidden.
for (const form of document.querySelectorAll("form.pick")) {
  const button = form.querySelector("button");
  let byArrow = false; // arrow keys change a closed list at each step: such a change waits for the button
  button.hidden = true;
  form.addEventListener("keydown", (event) => { byArrow = event.key !== "Enter"; });
  form.addEventListener("pointerdown", () => { byArrow = false; });
  form.addEventListener("change", () => {
    if (byArrow) button.hidden = false;
    else form.requestSubmit();
  });
}

const box = document.getElementById("find");
if (box) {
  const rows = [...document.querySelectorAll("#board tbody tr")];
  const none = document.querySelector(".none-found");
  const show = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of rows) {
      const fits = words.every((word) => row.dataset.find.includes(word));
      row.hidden = !fits;
      found += fits;
    }
    if (none) none.hidden = found > 0;
  };
  box.closest(".find").hidden = false;
  box.addEventListener("input", show);
  if (box.value) show(); // the browser may have kept it
}
