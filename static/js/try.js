// While a judge is asked, say so, and do not ask it twice. Without this the button just posts.
{
  const button = document.querySelector("[name=_try]");
  const place = document.querySelector(".waiting");
  button?.form.addEventListener("submit", (event) => {
    if (event.submitter !== button) return;
    if (place.textContent) return event.preventDefault();
    place.textContent = "Trying it; a judge’s server has 25 seconds.";
  });
  addEventListener("pageshow", () => { if (place) place.textContent = ""; });
}
