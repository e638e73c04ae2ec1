// A step chart: a balance stays what it is until the next entry.

import { h, s } from "./dom.js";

const WIDTH = 720;
const HEIGHT = 200;
const MARGIN = { top: 10, right: 0, bottom: 10, left: 0 };

/** Four or five round values that span a range. */
export function ticks(low, high) {
  if (!(high > low)) return [low];
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

/**
 * Draws points in order of time.
 *
 * @param points [{at: milliseconds, value: number, label: what the reading says of it}], at least one.
 * @param options from and to: the ends of the time axis in milliseconds; title: what it shows; name: of an instant, for the axis.
 */
export function stepChart(points, { from, to, title, name }) {
  const values = points.map((point) => point.value);
  let low = Math.min(0, ...values);
  let high = Math.max(0, ...values);
  if (low === high) high = low + 1;
  const span = Math.max(to - from, 1);
  const x = (at) => MARGIN.left + ((at - from) / span) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value) => HEIGHT - MARGIN.bottom - ((value - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const place = (number) => number.toFixed(1);

  let line = `M${place(x(points[0].at))} ${place(y(points[0].value))}`;
  for (const point of points.slice(1)) line += `H${place(x(point.at))}V${place(y(point.value))}`;
  line += `H${place(x(to))}`;
  const area = `${line}V${place(y(0))}H${place(x(points[0].at))}Z`;

  const cursor = s("line", { class: "cursor", visibility: "hidden", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom });
  const drawing = s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title, preserveAspectRatio: "none" },
    ticks(low, high).map((value) => s("line", { class: value === 0 ? "zero" : "grid", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: place(y(value)), y2: place(y(value)) })),
    s("path", { class: "area", d: area }),
    s("path", { class: "line", d: line }),
    cursor,
  );
  // Text is set beside the drawing, which is stretched to the width there is.
  const scale = h("ul", { class: "scale", "aria-hidden": "true" }, ticks(low, high).map((value) => {
    const label = h("li", {}, SHORT.format(value));
    label.style.top = `${(y(value) / HEIGHT) * 100}%`;
    return label;
  }));
  const reading = h("output", { class: "reading" }, "");
  const plot = h(
    "div",
    { class: "plot", tabindex: "0", role: "group", "aria-label": `${title}. The left and right arrow keys read it point by point.` },
    drawing,
    scale,
  );

  let shown = null;
  const show = (index) => {
    shown = Math.max(0, Math.min(points.length - 1, index));
    const point = points[shown];
    cursor.setAttribute("visibility", "visible");
    cursor.setAttribute("x1", place(x(point.at)));
    cursor.setAttribute("x2", place(x(point.at)));
    reading.textContent = point.label;
  };
  plot.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const at = from + (((event.clientX - box.left) / box.width) * WIDTH - MARGIN.left) / (WIDTH - MARGIN.left - MARGIN.right) * span;
    const after = points.findIndex((point) => point.at > at);
    show(after < 0 ? points.length - 1 : after - 1);
  });
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(shown === null ? points.length - 1 : shown + step);
  });
  return h(
    "figure",
    { class: "chart" },
    plot,
    h("div", { class: "ends", "aria-hidden": "true" }, h("span", {}, name(from)), h("span", {}, name(to))),
    h("figcaption", {}, h("span", {}, title), reading),
  );
}
