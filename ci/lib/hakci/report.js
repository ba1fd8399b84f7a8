// SPDX-License-Identifier: MIT
// Draws everything, and again when the colours or the width change.
const drawings = JSON.parse(document.getElementById("data").textContent);
let living = [];

function draw() {
  living.forEach(chart => chart.destroy());
  living = [];
  for (const drawing of drawings) {
    if (drawing.kind === "map") {
      drawMap(drawing);
    } else {
      living.push(new Chart(document.getElementById(drawing.id), charts[drawing.kind](drawing)));
    }
  }
  document.documentElement.dataset.drawn = drawings.length;
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
let lastWidth = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth !== lastWidth) {
    lastWidth = window.innerWidth;
    draw();
  }
});
// A link to a folded stage opens it.
window.addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
  }
});
