// A wallet or system account: what it has, its statement with a chart, its holds, its changes.

import { assetTypes, get, refusal, send, statement } from "./api.js";
import { stepChart } from "./chart.js";
import { announce, free, h, link } from "./dom.js";
import { parts } from "./exact.js";
import { changeTable } from "./lists.js";
import { accountLink, amount, badge, dayOf, empty, facts, id, instant, money, section, sums, table, term } from "./parts.js";

const HOUR = 3_600_000;
const LINES_MAX = 2_000;
const ROWS = 100;

/** The periods that are offered, longest first; the first that is not too long is shown. */
const PERIODS = [
  ["All time", null],
  ["A year", 365 * 24 * HOUR],
  ["30 days", 30 * 24 * HOUR],
  ["7 days", 7 * 24 * HOUR],
  ["24 hours", 24 * HOUR],
  ["1 hour", HOUR],
];

export async function account({ parts: [accountId], signal }) {
  const path = `/accounts/${encodeURIComponent(accountId)}`;
  const [assets, { data }] = await Promise.all([assetTypes(), get(path, {}, signal)]);
  const asset = assets.get(data.assetTypeId);
  const [lines, holds, changes] = await Promise.all([
    statementOf(path, data, asset, signal),
    get("/holds", { accountId: data.id, status: "ACTIVE", limit: 100 }, signal),
    get(`${path}/history`, { limit: 100 }, signal),
  ]);
  return {
    title: free(data.name),
    marks: [badge(data.accountType === "USER" ? data.status : data.accountType), ` ${asset?.name ?? ""}`],
    content: [
      h("div", { class: "figures" }, figure("Balance", data.balance, asset), figure("Held", data.held, asset), figure("Available", data.available, asset)),
      facts(
        term("Id", id(data.id)),
        data.externalId !== null && term("External id", free(data.externalId)),
        data.ownerId !== null && term("Owner", link(["owners", data.ownerId], {}, free(data.ownerId))),
        data.email !== null && term("E-mail", free(data.email)),
        term("Opened", instant(data.createdAt)),
        data.status === "FROZEN" && term("Credits", data.creditsAllowed ? "let in" : "refused"),
        term("Credit limit", data.creditLimit === null ? "none: any distance below zero" : money(data.creditLimit, asset)),
        data.balanceMax !== null && term("Balance at most", money(data.balanceMax, asset)),
        Number(data.debtMax) > 0 && term("Debt at most", money(data.debtMax, asset)),
      ),
      section("Statement", lines),
      section("Open holds", holds.data.length ? holdTable(holds, asset) : empty("Nothing is held.")),
      section("Changes", changes.data.length
        ? [changeTable("Changes", changes.data), changes.pagination.total > changes.data.length && h("p", { class: "note" }, `The newest ${changes.data.length} of ${changes.pagination.total}.`)]
        : empty("Nothing was changed since it was opened.")),
    ],
  };
}

const figure = (name, value, asset) => h("div", { class: "figure" }, h("span", { class: "name" }, name), money(value, asset));

const holdTable = ({ data, pagination }, asset) => [
  table("Open holds", [
    { name: "Made", cell: (row) => link(["transactions", row.id], {}, instant(row.createdAt)) },
    { name: "Runs out", cell: (row) => instant(row.expiresAt) },
    { name: "For", cell: (row) => accountLink(row.destAccountId) },
    { name: "Description", cell: (row) => row.description !== null && free(row.description) },
    { name: "Amount", kind: "number", cell: (row) => amount(row.amount, asset) },
  ], data),
  pagination.total > data.length && h("p", { class: "note" }, `The newest ${data.length} of ${pagination.total}.`),
];

/** The part of the page that shows a period, and the form that chooses another. */
async function statementOf(path, data, asset, signal) {
  const place = h("div", { "aria-live": "off" });
  const from = h("input", { type: "datetime-local", id: "from", step: 1 });
  const to = h("input", { type: "datetime-local", id: "to", step: 1 });
  const period = h("select", { id: "period" }, PERIODS.map(([name], index) => h("option", { value: index }, name)), h("option", { value: "own" }, "From … to …"));
  const own = h("span", { class: "own", hidden: true }, h("label", { for: "from" }, "From"), from, h("label", { for: "to" }, "to"), to, h("button", { type: "submit" }, "Show"));
  const form = h("form", { class: "period" }, h("label", { for: "period" }, "Period"), period, own);

  const query = (index) => (index === "own" ? { from: asInstant(from.value), to: asInstant(to.value) } : since(PERIODS[index][1]));
  const show = async (index) => {
    place.setAttribute("aria-busy", "true");
    try {
      const asked = query(index);
      const answer = await statement(`${path}/statement`, asked, LINES_MAX, signal);
      place.replaceChildren(...shown(path, data, asset, asked, answer));
      if (answer.lines !== null) announce(`Statement: entries ${answer.lines.length}.`);
      return answer.lines !== null;
    } catch (error) {
      if (!signal.aborted) place.replaceChildren(h("p", { class: "error", role: "alert" }, error.message));
      return true;
    } finally {
      place.removeAttribute("aria-busy");
    }
  };
  period.addEventListener("change", () => {
    own.hidden = period.value !== "own";
    if (period.value !== "own") show(Number(period.value));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(period.value === "own" ? "own" : Number(period.value));
  });
  for (let index = 0; index < PERIODS.length; index += 1) {
    period.value = String(index);
    if (await show(index)) break;
  }
  return [form, place];
}

const since = (length) => (length === null ? {} : { from: new Date(Date.now() - length).toISOString() });

/** What a datetime-local holds, read as UTC. */
const asInstant = (text) => (text === "" ? null : `${text.length === 16 ? `${text}:00` : text}Z`);

function shown(path, data, asset, asked, answer) {
  const ends = sums(
    term("Opening balance", money(answer.opening.balance, asset)),
    answer.totals && term("Credits", money(answer.totals.credits, asset)),
    answer.totals && term("Debits", money(answer.totals.debits, asset)),
    term("Closing balance", money(answer.closing.balance, asset)),
    term("Entries", String(answer.closing.version - answer.opening.version)),
  );
  const download = h("button", { type: "button", class: "download" }, "Download as CSV");
  download.addEventListener("click", () => save(download, path, asked));
  if (answer.lines === null) {
    return [ends, empty(`These are more entries than can be shown here (${LINES_MAX.toLocaleString("en")}). Choose a shorter period, or download them.`), download];
  }
  if (answer.lines.length === 0) return [ends, empty("There are no entries in this period.")];
  return [ends, chartOf(answer, asset), entries(answer.lines, asset), download];
}

/** An amount as text, grouped, without the zeros that fill up. */
function words(value) {
  const { sign, whole, fraction } = parts(value, 0);
  return `${sign}${whole}${fraction && `.${fraction}`}`;
}

function chartOf(answer, asset) {
  const first = Date.parse(answer.from ?? answer.lines[0].createdAt);
  const last = Math.max(Date.parse(answer.to), Date.parse(answer.lines.at(-1).createdAt));
  const symbol = asset?.symbol ?? "";
  const opening = { at: Math.min(first, Date.parse(answer.lines[0].createdAt)), value: Number(answer.opening.balance), label: `${words(answer.opening.balance)} ${symbol} at the beginning` };
  const points = answer.lines.map((line) => ({
    at: Date.parse(line.createdAt),
    value: Number(line.balanceAfter),
    label: `${words(line.balanceAfter)} ${symbol} from ${line.createdAt.slice(0, 19).replace("T", " ")} on`,
  }));
  return stepChart([opening, ...points], { from: opening.at, to: last, title: `Balance in ${symbol} over time`, name: dayOf });
}

/** The entries, newest first, some at a time. */
function entries(lines, asset) {
  const newest = lines.toReversed();
  const place = h("div", {});
  const more = h("button", { type: "button", class: "more" }, "Show more");
  let count = 0;
  const next = () => {
    count = Math.min(count + ROWS, newest.length);
    place.replaceChildren(entryTable(newest.slice(0, count), asset), ...(count < newest.length ? [more] : []));
  };
  more.addEventListener("click", next);
  next();
  return place;
}

const entryTable = (rows, asset) =>
  table("Entries, newest first", [
    { name: "Posted", cell: (row) => link(["transactions", row.transactionId], {}, instant(row.createdAt)) },
    { name: "Type", cell: (row) => badge(row.type ?? "unknown") },
    { name: "With", cell: (row) => row.counterpartyAccountIds.slice(0, 3).map((one, index) => [index > 0 && ", ", accountLink(one)]).concat(row.counterpartyAccountIds.length > 3 ? " …" : []) },
    { name: "Reference", cell: (row) => [row.referenceId !== null && free(row.referenceId), row.description !== null && h("div", { class: "note" }, free(row.description))] },
    { name: "Debit", kind: "number", cell: (row) => row.entryType === "DEBIT" && amount(row.amount, asset) },
    { name: "Credit", kind: "number", cell: (row) => row.entryType === "CREDIT" && amount(row.amount, asset) },
    { name: "Balance", kind: "number", cell: (row) => amount(row.balanceAfter, asset) },
  ], rows);

/** Hands the statement as CSV to the browser. It is asked for with the key, so it cannot be a plain link. */
async function save(button, path, asked) {
  button.disabled = true;
  try {
    const response = await send(`${path}/statement`, { query: asked, accept: "text/csv" });
    if (!response.ok) throw await refusal(response);
    const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "statement.csv";
    const url = URL.createObjectURL(await response.blob());
    h("a", { href: url, download: name }).click();
    URL.revokeObjectURL(url);
  } catch (error) {
    button.after(h("p", { class: "error", role: "alert" }, error.message));
  } finally {
    button.disabled = false;
  }
}
