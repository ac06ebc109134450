// Draws the charts of a page with plotly.js, in the style sheet's colours. Without it the tables say the same.
const settings = {
  displayModeBar: false, displaylogo: false, responsive: true, scrollZoom: false, doubleClick: false,
  showSendToCloud: false, plotlyServerURL: "", locale: "en",
};
const narrow = matchMedia("(max-width: 760px)");
const dark = matchMedia("(prefers-color-scheme: dark)");
const pen = document.createElement("canvas").getContext("2d");

// "var(--ink)" becomes the colour that it stands for now.
function coloured(value, style) {
  if (typeof value === "string") {
    return value.startsWith("var(--") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
  }
  if (Array.isArray(value)) return value.map((each) => coloured(each, style));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, coloured(each, style)]));
}

// The names beside the axis get the room that they need, and no more.
function fit(layout) {
  const family = getComputedStyle(document.body).fontFamily;
  layout.font.family = family;
  if (narrow.matches) {
    layout.font.size = 12;
    layout.xaxis.nticks = 4;
    layout.yaxis.ticktext = layout.meta.short;
  }
  pen.font = `${layout.font.size}px ${family}`;
  layout.margin.l = Math.max(...layout.yaxis.ticktext.map((text) => pen.measureText(text).width), 0) + 14;
}

async function draw(plot) {
  const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
  const { data, layout } = coloured(figure, getComputedStyle(document.documentElement));
  fit(layout);
  plot.hidden = false;
  await Plotly.react(plot, data, layout, settings);
  plot.parentElement.querySelector(".coming").hidden = true;
  if (plot.dataset.drawn) return;
  plot.dataset.drawn = "yes";
  const button = plot.closest(".chart").querySelector(".save");
  button.hidden = false;
  button.addEventListener("click", () => {
    const { width, height } = plot.getBoundingClientRect();
    Plotly.downloadImage(plot, { format: "svg", filename: plot.dataset.figure, width, height });
  });
}

function failed(plot) {
  plot.hidden = true;
  const line = plot.parentElement.querySelector(".coming");
  line.hidden = false;
  line.textContent = "The chart could not be drawn. Its numbers are in the table below.";
}

async function drawAll() {
  for (const plot of document.querySelectorAll(".plot")) {
    await draw(plot).catch(() => failed(plot));
    await new Promise((done) => { setTimeout(done); }); // clicks and keys come in between
  }
}

drawAll();
dark.addEventListener("change", drawAll);
narrow.addEventListener("change", drawAll);
