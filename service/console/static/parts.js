// What the pages are put together from: amounts, instants, names, tables, and words for what is not there.

import { knownAccount } from "./api.js";
import { free, h, link } from "./dom.js";
import { parts } from "./exact.js";

/** An amount of an asset, aligned by its decimals; the zeros that only fill up are paler. */
export function amount(value, asset) {
  if (value === null || value === undefined) return h("span", { class: "none" }, "none");
  const { sign, whole, fraction, zeros } = parts(value, asset?.decimals ?? 0);
  return h(
    "span",
    { class: "amount" },
    `${sign}${whole}`,
    fraction || zeros ? [fraction ? "." : h("i", {}, "."), fraction, zeros && h("i", {}, zeros)] : null,
  );
}

/** The same with the asset's symbol. */
export const money = (value, asset) => h("span", {}, amount(value, asset), " ", h("abbr", { title: asset?.name }, asset?.symbol ?? ""));

const day = (text) => text.slice(0, 10);

/** An instant, to the second; the whole of it as the element's title. */
export function instant(text) {
  if (!text) return h("span", { class: "none" }, "none");
  return h("time", { datetime: text, title: text }, day(text), " ", text.slice(11, 19));
}

/** Milliseconds as the start of an instant in RFC 3339. */
export const dayOf = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ");

/** A UUID: short, with the whole of it as title. All that was posted in one batch begins alike, so its end is shown too. */
export const short = (id) => `${id.slice(0, 8)}…${id.slice(-4)}`;

export const id = (text) => h("code", { class: "id" }, text);

/** A word in a frame. */
export const badge = (text) => h("span", { class: `badge ${text.toLowerCase()}` }, text.replaceAll("_", " ").toLowerCase());

/** What an account is called, as a link; its name comes once it has been read. */
export function accountLink(accountId) {
  const element = link(["accounts", accountId], { title: accountId }, h("code", {}, short(accountId)));
  knownAccount(accountId).then((account) => {
    if (account !== null) element.replaceChildren(free(account.name));
  });
  return element;
}

/** A term and what it is. */
export const term = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];

/** A list of terms; those that are false are left out. */
export const facts = (...terms) => h("dl", { class: "facts" }, terms.filter(Boolean).map((one) => h("div", {}, one)));

/** The same for amounts that add up, beside each other. */
export const sums = (...terms) => h("dl", { class: "sums" }, terms.filter(Boolean).map((one) => h("div", {}, one)));

/** Words in place of a list that has nothing in it. */
export const empty = (sentence) => h("p", { class: "empty" }, sentence);

/**
 * A table that j, k and the arrow keys go through by its rows' links.
 *
 * @param columns [{name, kind: "number" or nothing, cell: (row) => what is in it}]; the link of a row is the first in it.
 */
export function table(caption, columns, rows) {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      // The roles are said: on a phone the rows are laid out as cards, and no longer as a table.
      { role: "table" },
      h("caption", { class: "hidden" }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map(({ name, kind }) => h("th", { role: "columnheader", scope: "col", class: kind }, name)))),
      h("tbody", { role: "rowgroup" }, rows.map((row) => h("tr", { role: "row" }, columns.map(({ cell, kind, name }) => h("td", { role: "cell", class: kind, "data-name": name }, cell(row)))))),
    ),
  );
}

/** A section with a heading. */
export const section = (title, ...children) => h("section", {}, h("h2", {}, title), children);

/**
 * A list that goes on: pages by cursor, and a button for the next one.
 *
 * @param load (cursor) => {data, pagination}
 * @param show (rows) => the table of all rows so far
 */
export async function longList(load, show, nothing) {
  const place = h("div", {});
  const rows = [];
  const button = h("button", { type: "button", class: "more" }, "Show more");
  let cursor = "";
  const next = async () => {
    button.disabled = true;
    const { data, pagination } = await load(cursor);
    rows.push(...data);
    cursor = pagination.nextCursor ?? null;
    place.replaceChildren(rows.length ? show(rows) : empty(nothing), ...(cursor === null ? [] : [button]));
    button.disabled = false;
  };
  button.addEventListener("click", () => {
    next().catch((error) => {
      button.disabled = false;
      place.append(h("p", { class: "error", role: "alert" }, error.message));
    });
  });
  await next();
  return place;
}
