// The tables that more than one page shows.

import { free, h, link } from "./dom.js";
import { accountLink, amount, badge, instant, money, short, table } from "./parts.js";

/** Accounts, with their balances. */
export const accountTable = (caption, rows, assets) =>
  table(caption, [
    { name: "Wallet", cell: (row) => link(["accounts", row.id], {}, free(row.name)) },
    { name: "External id", cell: (row) => row.externalId !== null && free(row.externalId) },
    { name: "Owner", cell: (row) => row.ownerId !== null && link(["owners", row.ownerId], {}, free(row.ownerId)) },
    { name: "Status", cell: (row) => badge(row.accountType === "USER" ? row.status : row.accountType) },
    { name: "Asset", cell: (row) => assets.get(row.assetTypeId)?.symbol },
    { name: "Balance", kind: "number", cell: (row) => amount(row.balance, assets.get(row.assetTypeId)) },
    { name: "Available", kind: "number", cell: (row) => amount(row.available, assets.get(row.assetTypeId)) },
  ], rows);

/** Transactions and holds. */
export const transactionTable = (caption, rows, assets) =>
  table(caption, [
    { name: "Posted", cell: (row) => link(["transactions", row.id], {}, instant(row.createdAt)) },
    { name: "Type", cell: (row) => badge(row.type) },
    { name: "From", cell: (row) => row.sourceAccountId !== null && accountLink(row.sourceAccountId) },
    { name: "To", cell: (row) => row.destAccountId !== null && accountLink(row.destAccountId) },
    { name: "Reference", cell: (row) => row.referenceId !== null && free(row.referenceId) },
    { name: "Amount", kind: "number", cell: (row) => money(row.amount, assets.get(row.assetTypeId)) },
  ], rows);

/** The changes of an account or an asset type. */
export const changeTable = (caption, rows) =>
  table(caption, [
    { name: "Changed", cell: (row) => instant(row.changedAt) },
    { name: "What", cell: (row) => Object.keys(row.after).map((name) => h("div", {}, `${name}: `, before(row, name), " → ", value(row.after[name]))) },
    { name: "Why", cell: (row) => row.reason !== null && free(row.reason) },
    { name: "By", cell: (row) => poster(row.changedBy) },
  ], rows);

const value = (one) => free(String(one ?? "none"));
const before = (row, name) => value(row.before?.[name]);

/** Who posted or changed something: a key by its id, or a login. */
export function poster(text) {
  if (text === null) return "somebody: it was not kept then";
  const [kind, name] = [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)];
  return h("span", { title: name }, kind === "key" ? "key " : "login ", kind === "key" ? h("code", {}, short(name)) : free(name));
}
