// How the service is, right now.

import { get } from "./api.js";
import { stepChart } from "./chart.js";
import { h } from "./dom.js";
import { empty, facts, instant, section, table, term } from "./parts.js";

const EVERY_MILLISECONDS = 2_000;
const SAMPLES_MAX = 90;

export async function live({ signal }) {
  const figures = h("div", { class: "figures" });
  const chart = h("div", {});
  const rest = h("div", {});
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  const samples = [];

  const look = async () => {
    const { data } = await get("/status", {}, signal);
    samples.push({ at: Date.parse(data.timestamp), value: Number(data.postings.perSecond), label: `${shown(data.postings.perSecond)} postings a second at ${data.timestamp.slice(11, 19)}` });
    if (samples.length > SAMPLES_MAX) samples.shift();
    figures.replaceChildren(
      figure("Postings a second", shown(data.postings.perSecond)),
      figure("Waiting in the queue", `${shown(data.queue.depth)} of ${shown(data.queue.max)}`),
      figure("Mean wait", milliseconds(data.queue.meanWaitSeconds)),
      figure("Mean batch", shown(data.batches.meanSize)),
      figure("Connections", String(data.connections)),
    );
    // A chart that is read by keyboard or pointer is left alone.
    if (samples.length > 1 && !chart.contains(document.activeElement) && !chart.matches(":hover")) {
      chart.replaceChildren(stepChart(samples, { from: samples[0].at, to: samples.at(-1).at, title: "Postings a second", name: (at) => new Date(at).toISOString().slice(11, 19) }));
    }
    rest.replaceChildren(...details(data));
  };
  const again = async () => {
    if (signal.aborted) return;
    if (!document.hidden) {
      try {
        await look();
        problem.hidden = true;
      } catch (error) {
        if (signal.aborted) return;
        problem.textContent = error.message;
        problem.hidden = false;
      }
    }
    setTimeout(again, EVERY_MILLISECONDS);
  };
  await look();
  setTimeout(again, EVERY_MILLISECONDS);
  return { title: "Live", content: [problem, figures, chart, rest] };
}

const shown = (digits) => Number(digits).toLocaleString("en", { maximumFractionDigits: 1 });
const milliseconds = (seconds) => `${(Number(seconds) * 1000).toLocaleString("en", { maximumFractionDigits: 1 })} ms`;
const figure = (name, value) => h("div", { class: "figure" }, h("span", { class: "name" }, name), h("span", { class: "amount" }, value));

function details(data) {
  const refusals = Object.entries(data.refusals).sort(([, a], [, b]) => b - a);
  return [
    section("Since the start", facts(
      term("Started", instant(data.startedAt)),
      term("Release", String(data.release.version)),
      term("Processes", String(data.workers)),
      term("Requests", `${data.requests.count}, of which ${data.requests.serverErrors} failed`),
      term("Postings", `${data.postings.posted} posted, ${data.postings.replayed} replayed, ${data.postings.refused} refused, ${data.postings.failed} failed`),
      term("Batches", `${data.batches.count}, of which ${data.batches.retries} were sent again`),
    )),
    section("Database", facts(
      term("Answers", data.database.isReachable ? `in ${milliseconds(data.database.roundTripSeconds)}` : "no"),
      term("Connections for reading", `${data.pool.size} of ${data.pool.max}, ${data.pool.idle} unused, ${data.pool.waiting} callers waiting`),
      term("Last clean run of the doctor", data.doctor.lastCleanRun === null ? "none on record" : instant(data.doctor.lastCleanRun.checkedAt)),
    )),
    section("Refusals", refusals.length
      ? table("Refusals, by code", [
        { name: "Code", cell: ([code]) => h("code", {}, code) },
        { name: "Count", kind: "number", cell: ([, count]) => String(count) },
      ], refusals)
      : empty("Nothing was refused since the start.")),
  ];
}
