// SPDX-License-Identifier: MIT
// Draws one dot plot a metric: rows down, ratios across on a logarithmic axis.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const charts = [];

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Lines from the first to the third quartile, under the dots.
  const quartiles = {
    id: "quartiles",
    beforeDatasetsDraw(chart) {
      const { ctx, scales } = chart;
      chart.data.datasets.forEach((dataset, index) => {
        if (!chart.isDatasetVisible(index)) return;
        ctx.save();
        ctx.strokeStyle = dataset.borderColor;
        ctx.lineWidth = 2;
        for (const point of dataset.data) {
          const y = scales.y.getPixelForValue(point.y);
          ctx.beginPath();
          ctx.moveTo(scales.x.getPixelForValue(point.low), y);
          ctx.lineTo(scales.x.getPixelForValue(point.high), y);
          ctx.stroke();
        }
        ctx.restore();
      });
    },
  };

  // A heavier grid line where the reference is.
  const reference = {
    id: "reference",
    beforeDatasetsDraw(chart) {
      const { ctx, scales, chartArea } = chart;
      const x = scales.x.getPixelForValue(1);
      ctx.save();
      ctx.strokeStyle = colour("--quiet");
      ctx.lineWidth = 1.5;
      ctx.beginPath();
      ctx.moveTo(x, chartArea.top);
      ctx.lineTo(x, chartArea.bottom);
      ctx.stroke();
      ctx.restore();
    },
  };

  // Each allocator a little above or below its row's middle, so dots don't hide one another.
  const offset = (index, count) => (index - (count - 1) / 2) * (0.7 / Math.max(count, 1));

  const dataset = (series, index, count) => ({
    label: series.name,
    data: series.points
      .map((point, row) => point && point[0] > 0 &&
        { x: point[0], y: row + offset(index, count), low: point[1], high: point[2], row })
      .filter(Boolean),
    backgroundColor: colour("--series-" + (index % 6)),
    borderColor: colour("--series-" + (index % 6)),
    pointRadius: 3.5,
    pointHoverRadius: 6,
  });

  const plain = (value) => (value >= 10 ? value.toFixed(0) : value.toFixed(2));

  const limits = (datasets) => {
    const ends = datasets.flatMap((d) => d.data.flatMap((p) => [p.low, p.high])).filter((v) => v > 0);
    return {
      min: Math.min(0.5, ...ends) * 0.9,
      max: Math.max(2, ...ends) * 1.1,
    };
  };

  function options(rows, datasets) {
    const grid = { color: colour("--line") };
    const narrow = window.innerWidth < 600;
    return {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "nearest", intersect: false },
      scales: {
        x: {
          type: "logarithmic", position: "top", ...limits(datasets), grid,
          // A tick at every doubling; the library's own logarithmic ticks crowd around 1.
          afterBuildTicks(axis) {
            axis.ticks = [];
            for (let power = -7; power <= 10; power++) {
              const value = 2 ** power;
              if (value >= axis.min && value <= axis.max) axis.ticks.push({ value });
            }
          },
          ticks: { color: colour("--quiet"), maxRotation: 0, callback: (value) => String(value) },
        },
        y: {
          type: "linear", reverse: true, min: -0.5, max: rows.length - 0.5, grid,
          afterBuildTicks(axis) {
            axis.ticks = rows.map((_, row) => ({ value: row }));
          },
          ticks: {
            color: colour("--ink"), autoSkip: false, font: { size: narrow ? 10 : 12 },
            callback: (value) => rows[value],
          },
        },
      },
      plugins: {
        legend: { labels: { color: colour("--ink"), usePointStyle: true, boxWidth: 8, boxHeight: 8 } },
        tooltip: {
          callbacks: {
            title: (items) => rows[items[0].raw.row],
            label: (item) => `${item.dataset.label}: ${plain(item.raw.x)} ` +
              `(${plain(item.raw.low)} to ${plain(item.raw.high)})`,
          },
        },
      },
    };
  }

  function draw() {
    charts.splice(0).forEach((chart) => chart.destroy());
    for (const [metric, plot] of Object.entries(data)) {
      const count = plot.series.length;
      const datasets = plot.series.map((series, index) => dataset(series, index, count));
      charts.push(new Chart(document.getElementById("chart-" + metric), {
        type: "scatter",
        data: { datasets },
        options: options(plot.rows, datasets),
        plugins: [quartiles, reference],
      }));
    }
  }

  draw();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
