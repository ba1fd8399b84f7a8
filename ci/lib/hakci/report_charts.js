// SPDX-License-Identifier: MIT
// One function a kind of chart: it takes what report.py put into the page's data
// and returns a Chart.
const colour = name =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isNarrow = () => window.innerWidth < 600;
const fontSize = () => (isNarrow() ? 10 : 12);

function axis(title, more) {
  const { ticks, ...rest } = more || {};
  return { title: { display: title !== "", text: title, color: colour("--quiet") },
    ticks: { color: colour("--quiet"), font: { size: fontSize() }, maxRotation: 0, ...ticks },
    grid: { color: colour("--line"), borderColor: colour("--line") }, ...rest };
}

function names(labels) {
  const longest = isNarrow() ? 16 : 40;
  return axis("", { ticks: { autoSkip: false, color: colour("--ink"),
    callback: place => labels[place].length > longest
      ? labels[place].slice(0, longest - 1) + "…" : labels[place] } });
}

const legend = isShown => ({ display: isShown,
  labels: { color: colour("--ink"), boxWidth: 12, boxHeight: 12, font: { size: fontSize() } } });

const common = { maintainAspectRatio: false, animation: false };

// Powers of ten only: the library's own logarithmic ticks crowd.
const decades = { afterBuildTicks: scale => {
  scale.ticks = scale.ticks.filter(tick => Number.isInteger(Math.log10(tick.value)));
} };

const charts = {
  bars: chart => ({
    type: "bar",
    data: { labels: chart.labels, datasets: [{ label: chart.x, data: chart.values,
      backgroundColor: chart.bad.map(isBad => colour(isBad ? "--bad" : "--bar")) }] },
    options: { ...common, indexAxis: "y", plugins: { legend: legend(false) },
      scales: {
        x: axis(chart.x, chart.log ? { type: "logarithmic", min: 1, ...decades } : { min: 0 }),
        y: names(chart.labels) } },
  }),

  groups: chart => ({
    type: "bar",
    data: { labels: chart.labels, datasets: chart.series.map(series => ({ label: series.label,
      data: series.values, backgroundColor: colour(series.colour) })) },
    options: { ...common, indexAxis: "y", plugins: { legend: legend(true) },
      scales: { x: axis(chart.x, { min: 0, max: chart.max }), y: names(chart.labels) } },
    plugins: chart.line ? [upright(chart.line)] : [],
  }),

  lines: chart => ({
    type: "line",
    data: { datasets: chart.series.map(series => ({ label: series.label,
      data: series.points.map(([x, y]) => ({ x, y })), borderColor: colour(series.colour),
      backgroundColor: colour(series.colour), borderWidth: 2, pointRadius: 0,
      borderDash: series.dashed ? [6, 4] : [] })) },
    options: { ...common, interaction: { mode: "index", intersect: false },
      plugins: { legend: legend(true) },
      scales: { x: axis(chart.x, { type: "linear", min: 0, max: chart.most }),
        y: axis(chart.y, { min: 0 }) } },
  }),

  // The bound that n passes give, and this run's place on it.
  bound: chart => {
    const most = Math.max(10000, chart.runs);
    const line = [];
    for (let n = 10; n < most; n *= 1.25) {
      line.push({ x: n, y: 100 * (1 - Math.pow(0.05, 1 / n)) });
    }
    line.push({ x: most, y: 100 * (1 - Math.pow(0.05, 1 / most)) });
    return { type: "scatter",
      data: { datasets: [
        { label: "this run", data: [{ x: chart.runs, y: 100 * chart.bound }], pointRadius: 7,
          backgroundColor: colour("--series-1"), borderColor: colour("--series-1") },
        { label: "if all pass", data: line, showLine: true, pointRadius: 0, borderWidth: 2,
          backgroundColor: colour("--bar"), borderColor: colour("--bar") }] },
      options: { ...common, plugins: { legend: legend(true) },
        scales: { x: axis("runs", { type: "logarithmic", min: 10, max: most, ...decades }),
          y: axis("failure rate below, %", { type: "logarithmic", ...decades,
            ticks: { callback: value => String(value) } }) } } };
  },

  // A row for each class, coloured by its cache's slots.
  lanes: chart => {
    const labels = chart.lanes.map(lane => lane.label);
    const steps = [16, 32, 64, 128, 256, 512, 1024, 2048];
    return { type: "bar",
      data: { labels, datasets: steps.map(slots => ({ label: `${slots}`,
        backgroundColor: colour("--slots").split(" ")[steps.indexOf(slots)],
        data: chart.lanes.flatMap(lane => lane.segments.filter(([, , value]) => value === slots)
          .map(([from, to]) => ({ x: [from, to], y: lane.label }))) })) },
      options: { ...common, indexAxis: "y", grouped: false,
        datasets: { bar: { categoryPercentage: 1, barPercentage: 0.85, grouped: false } },
        plugins: { legend: { ...legend(true), title: { display: true, text: "slots",
          color: colour("--quiet") } },
        tooltip: { callbacks: { label: item => `${item.dataset.label} slots, from ` +
          `${item.raw.x[0].toFixed(2)} to ${item.raw.x[1].toFixed(2)} s` } } },
        scales: { x: axis("seconds", { type: "linear", min: 0, max: chart.seconds }),
          y: names(labels) } } };
  },
};

// A heavier grid line at a value of x.
const upright = value => ({ id: "upright", beforeDatasetsDraw(chart) {
  const { ctx, scales, chartArea } = chart;
  const x = scales.x.getPixelForValue(value);
  ctx.save();
  ctx.strokeStyle = colour("--quiet");
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.moveTo(x, chartArea.top);
  ctx.lineTo(x, chartArea.bottom);
  ctx.stroke();
  ctx.restore();
} });
