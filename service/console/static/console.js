// The console: finds the page for the address, shows it, and minds the search, the key and the keyboard.

import { account } from "./account.js";
import { forget, Refused, savedKey, saveKey } from "./api.js";
import { books } from "./books.js";
import { announce, h } from "./dom.js";
import { live } from "./live.js";
import { overview, owner, results } from "./overview.js";
import { transaction } from "./transaction.js";

/** The pages by the first part of the address; each takes so many further parts. */
const PAGES = {
  "": { page: overview, count: 0 },
  find: { page: results, count: 1 },
  accounts: { page: account, count: 1 },
  owners: { page: owner, count: 1 },
  transactions: { page: transaction, count: 1 },
  books: { page: books, count: 0 },
  live: { page: live, count: 0 },
};

const main = document.getElementById("main");
const query = document.getElementById("query");
const dialog = document.getElementById("key-dialog");
const keyInput = document.getElementById("key-input");
const keyReason = document.getElementById("key-reason");

let leaving = new AbortController();
let isFirst = true;

/** The parts of the address, unescaped; null when it is not well written. */
function place() {
  try {
    return location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  } catch {
    return null;
  }
}

const address = (parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [name, ...parts] = place() ?? ["?"];
  const route = Object.hasOwn(PAGES, name) && PAGES[name].count === parts.length && parts.every(Boolean) ? PAGES[name] : null;
  query.value = name === "find" && route ? parts[0] : "";
  for (const anchor of document.querySelectorAll("nav a")) {
    if (anchor.getAttribute("href") === `#/${name}`) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
  main.setAttribute("aria-busy", "true");
  // What was there stays while it loads; words come only when that takes long.
  const slow = setTimeout(() => main.replaceChildren(h("p", { class: "loading" }, "Loading …")), isFirst ? 0 : 400);
  announce("");
  try {
    const { redirect, title, marks, content } = route ? await route.page({ parts, signal }) : nowhere();
    if (signal.aborted) return;
    if (redirect) {
      location.replace(address(redirect));
      return;
    }
    fill(title, marks, content);
  } catch (error) {
    if (signal.aborted) return;
    failed(error);
  } finally {
    clearTimeout(slow);
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
}

const nowhere = () => ({ title: "There is no such page", content: h("p", {}, h("a", { href: "#/" }, "Back to the overview")) });

function fill(title, marks, content) {
  const heading = h("h1", { tabindex: "-1" }, title);
  main.replaceChildren(h("div", { class: "title" }, heading, marks && h("p", {}, marks)), ...[content].flat(Infinity).filter(Boolean));
  // Says which address the page belongs to, for who waits for it.
  main.dataset.shown = location.hash;
  document.title = `${heading.textContent} - Wallet console`;
  // So that whoever reads by keyboard or ear is at the new page's beginning; the first page is where it is.
  if (!isFirst && document.activeElement !== query) heading.focus({ preventScroll: true });
  if (!isFirst) scrollTo(0, 0);
  isFirst = false;
}

function failed(error) {
  if (!(error instanceof Refused)) console.error(error);
  const isRefused = error instanceof Refused;
  fill(isRefused && error.status === 404 ? "Not found" : "This did not work", null, [
    h("p", { class: "error", role: "alert" }, isRefused ? error.message : "The console has a fault; the browser's own console says which."),
    h("p", {}, h("button", { type: "button", onclick: show }, "Try again")),
  ]);
  if (error.status === 401) askKey(savedKey() ? error.message : "The service wants an API key with the scope read.");
}

function askKey(reason) {
  keyReason.textContent = reason;
  keyInput.value = "";
  if (!dialog.open) dialog.showModal();
}

function useKey(key) {
  saveKey(key);
  forget();
  dialog.close();
  markKey();
  show();
}

function markKey() {
  const button = document.getElementById("key");
  button.setAttribute("aria-label", savedKey() ? "API key: one is in use" : "API key: none is in use");
  button.classList.toggle("in-use", Boolean(savedKey()));
}

document.getElementById("key").addEventListener("click", () => askKey(savedKey() ? "A key is in use." : "No key is in use."));
document.getElementById("key-cancel").addEventListener("click", () => dialog.close());
document.getElementById("key-forget").addEventListener("click", () => useKey(null));
document.getElementById("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (keyInput.value.trim()) useKey(keyInput.value.trim());
});

document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = query.value.trim();
  if (!text) return;
  query.blur();
  if (location.hash === address(["find", text])) show();
  else location.hash = address(["find", text]);
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

/** Goes to the link of the next row, or of the previous one; from nowhere to the first. */
function step(by) {
  const links = [...main.querySelectorAll("tbody tr")].map((row) => row.querySelector("a")).filter(Boolean);
  if (links.length === 0) return;
  const row = document.activeElement.closest("tbody tr");
  const now = links.findIndex((one) => one.closest("tr") === row);
  links[Math.max(0, Math.min(links.length - 1, now < 0 ? 0 : now + by))].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const isInRow = event.target.closest("tbody tr") !== null;
  // What was looked for before is selected, so that typing replaces it.
  if (event.key === "/") query.select();
  else if (event.key === "j" || (event.key === "ArrowDown" && isInRow)) step(1);
  else if (event.key === "k" || (event.key === "ArrowUp" && isInRow)) step(-1);
  else return;
  event.preventDefault();
});

addEventListener("hashchange", show);
markKey();
show();
