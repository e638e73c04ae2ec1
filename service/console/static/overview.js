// The overview, what a search finds, and what an owner has.

import { assetTypes, find, get } from "./api.js";
import { announce, free } from "./dom.js";
import { accountTable, transactionTable } from "./lists.js";
import { amount, empty, longList, section, table } from "./parts.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What may be an idempotency key. */
const KEY = /^[!-~]{1,255}$/;

/** The newest wallets and transactions. */
export async function overview({ signal }) {
  const assets = await assetTypes();
  const [wallets, transactions] = await Promise.all([
    longList((cursor) => get("/accounts", { cursor, limit: 20, accountType: "USER" }, signal), (rows) => accountTable("Newest wallets", rows, assets), "There is no wallet yet."),
    newest(assets, signal),
  ]);
  return {
    title: "Overview",
    content: [section("Latest transactions", transactions), section("Newest wallets", wallets)],
  };
}

/** A key for some asset types may list transactions of one at a time only: so it is shown each of them. */
async function newest(assets, signal) {
  const all = await find("/transactions", { limit: 20 }, signal);
  const lists = all === null
    ? await Promise.all([...assets.keys()].map((assetTypeId) => find("/transactions", { assetTypeId, limit: 20 }, signal)))
    : [all];
  const rows = lists.flatMap((list) => list ?? []).sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, 20);
  return rows.length ? transactionTable("Latest transactions", rows, assets) : empty("Nothing has been posted yet.");
}

/** What a text names: wallets by id, external id and owner; transactions by id, reference and idempotency key. */
export async function results({ parts: [text], signal }) {
  const assets = await assetTypes();
  const name = encodeURIComponent(text);
  const isId = UUID.test(text);
  const [byId, byExternalId, byOwner, transaction, byKey, byReference] = await Promise.all([
    isId ? find(`/accounts/${name}`, {}, signal) : null,
    find("/accounts", { externalId: text, limit: 100 }, signal),
    find("/accounts", { ownerId: text, limit: 100 }, signal),
    isId ? find(`/transactions/${name}`, {}, signal) : null,
    KEY.test(text) ? find(`/idempotency-keys/${name}`, {}, signal) : null,
    referenced(text, assets, signal),
  ]);
  const accounts = unique([byId, ...(byExternalId ?? []), ...(byOwner ?? [])]);
  const transactions = unique([transaction, made(byKey), ...byReference]);
  if (byOwner?.length && accounts.length === byOwner.length && !transactions.length) return { redirect: ["owners", text] };
  if (accounts.length + transactions.length === 1) {
    return { redirect: accounts.length ? ["accounts", accounts[0].id] : ["transactions", transactions[0].id] };
  }
  announce(`Found: wallets ${accounts.length}, transactions ${transactions.length}.`);
  return {
    title: ["Found for ", free(text)],
    content: [
      accounts.length + transactions.length ? null : empty("Nothing has this id, external id, owner, reference or idempotency key. They are looked for letter by letter."),
      accounts.length ? section("Wallets", accountTable("Wallets", accounts, assets)) : null,
      transactions.length ? section("Transactions", transactionTable("Transactions", transactions, assets)) : null,
    ],
  };
}

async function referenced(referenceId, assets, signal) {
  const all = await find("/transactions", { referenceId, limit: 100 }, signal);
  if (all !== null) return all;
  const lists = await Promise.all([...assets.keys()].map((assetTypeId) => find("/transactions", { referenceId, assetTypeId, limit: 100 }, signal)));
  return lists.flatMap((list) => list ?? []);
}

/** The transaction that an idempotency key made; a key may have made an account. */
const made = (key) => (key !== null && key.answer?.sourceAccountId !== undefined ? key.answer : null);

const unique = (rows) => [...new Map(rows.filter((row) => row !== null).map((row) => [row.id, row])).values()];

/** What one person has, in all wallets together. */
export async function owner({ parts: [ownerId], signal }) {
  const assets = await assetTypes();
  const [{ data }, wallets] = await Promise.all([
    get(`/owners/${encodeURIComponent(ownerId)}/balances`, {}, signal),
    longList((cursor) => get("/accounts", { ownerId, cursor, limit: 50 }, signal), (rows) => accountTable("Wallets", rows, assets), "This owner has no wallet."),
  ]);
  return {
    title: ["Owner ", free(data.ownerId)],
    content: [
      section("In total", table("In total, by asset", [
        { name: "Asset", cell: (row) => row.symbol },
        { name: "Wallets", kind: "number", cell: (row) => String(row.accountCount) },
        { name: "Balance", kind: "number", cell: (row) => amount(row.balance, assets.get(row.assetTypeId)) },
        { name: "Held", kind: "number", cell: (row) => amount(row.held, assets.get(row.assetTypeId)) },
        { name: "Available", kind: "number", cell: (row) => amount(row.available, assets.get(row.assetTypeId)) },
      ], data.balances)),
      section("Wallets", wallets),
    ],
  };
}
