// Says that the file is on its way, so that nobody sends it twice.
for (const form of document.querySelectorAll("form[enctype]")) {
  form.addEventListener("submit", () => {
    const status = form.querySelector("#sending");
    status.textContent = status.dataset.sending;
    setTimeout(() => { form.querySelector("button.btn").disabled = true; });
  });
  window.addEventListener("pageshow", () => {
    form.querySelector("#sending").textContent = "";
    form.querySelector("button.btn").disabled = false;
  });
}
