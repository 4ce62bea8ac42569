"use strict";
// What the page does beside what it says: the level that the reader chooses, the values of a chart, the cue of a wide table.
(() => {
  const root = document.documentElement;
  root.classList.add("live");
  for (const input of document.querySelectorAll("input[name=level]")) {
    if (input.checked) root.dataset.level = input.value;
    input.addEventListener("change", () => { root.dataset.level = input.value; cue(); });
  }

  // Tables that are wider than the window say so, at the side where there is more.
  const wide = [...document.querySelectorAll(".scroll")];
  function cue() {
    for (const box of wide) {
      const more = box.scrollWidth - box.clientWidth;
      box.parentElement.classList.toggle("more", more > 2 && box.scrollLeft < more - 2);
      box.parentElement.classList.toggle("less", box.scrollLeft > 2);
    }
  }
  for (const box of wide) box.addEventListener("scroll", cue, { passive: true });
  addEventListener("resize", cue);
  cue();

  // A chart tells its values at the pointer, at a tap, and by the arrow keys.
  for (const figure of document.querySelectorAll("figure[data-values]")) {
    let chart = null, at = -1;
    const svg = figure.querySelector("svg"), cursor = figure.querySelector(".cursor");
    const told = figure.querySelector("output");
    const start = () => {
      if (chart) return;
      chart = JSON.parse(figure.dataset.values);
      chart.stops = [...new Set(chart.lines.flatMap(line => line[2].map(point => point[0])))].sort((a, b) => a - b);
    };
    const place = x => {
      const [low, high] = chart.x, [left, right] = chart.area;
      return left + (right - left) * Math.min(1, Math.max(0, (Math.log10(x) - low) / (high - low || 1)));
    };
    const value = (points, x) => {  // a curve is linear between its points, in the logarithm of x
      if (x < points[0][0]) return null;
      const i = points.findIndex(point => point[0] >= x);
      if (i < 0) return points[points.length - 1].slice(1);  // it ended before
      if (points[i][0] === x || i === 0) return points[i].slice(1);
      const [a, b] = [points[i - 1], points[i]];
      const share = Math.log(x / a[0]) / Math.log(b[0] / a[0]);
      return [1, 2, 3].map(k => a[k] + share * (b[k] - a[k]));
    };
    const form = number => number.toFixed(chart.digits).replace(/^(-?)0(?=\.)/, "$10");
    const show = index => {
      at = Math.min(chart.stops.length - 1, Math.max(0, index));
      const x = chart.stops[at], px = place(x);
      cursor.setAttribute("transform", `translate(${px} 0)`);
      figure.classList.add("told");
      const rows = chart.lines
        .map(([name, colour, points]) => [name, colour, value(points, x), points[points.length - 1][0]]).filter(row => row[2]);
      rows.sort((a, b) => b[2][1] - a[2][1]);
      told.replaceChildren();
      const head = document.createElement("b");
      head.textContent = `after ${x.toLocaleString("en")} ${chart.name}`;
      told.append(head);
      for (const [name, colour, [low, middle, high], last] of rows) {
        const row = document.createElement("span");
        row.className = `row s${colour}`;
        const ends = form(low) === form(high) ? "" : ` (${form(low)}–${form(high)})`;
        const since = last < x ? `, since ${last.toLocaleString("en")}` : "";
        row.append(Object.assign(document.createElement("i"), { textContent: name }), ` ${form(middle)}${ends}${since}`);
        told.append(row);
      }
      told.classList.toggle("left", px > chart.area[2] / 2);
    };
    const hide = () => { figure.classList.remove("told"); };
    const point = event => {
      start();
      const box = svg.getBoundingClientRect(), px = (event.clientX - box.left) / box.width * chart.area[2];
      let best = 0;
      chart.stops.forEach((x, i) => { if (Math.abs(place(x) - px) < Math.abs(place(chart.stops[best]) - px)) best = i; });
      show(best);
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    figure.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") hide(); });
    figure.addEventListener("focusout", hide);
    figure.addEventListener("keydown", event => {
      const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 };
      if (event.key === "Escape") return hide();
      if (!(event.key in steps) && event.key !== "Home" && event.key !== "End") return;
      event.preventDefault();
      start();
      if (event.key === "Home") show(0);
      else if (event.key === "End") show(chart.stops.length - 1);
      else show(at < 0 ? chart.stops.length - 1 : at + steps[event.key]);
    });
  }
})();
