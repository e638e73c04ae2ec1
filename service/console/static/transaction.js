// A transaction or a hold: what it is, its entries, what became of it.

import { assetTypes, find, get } from "./api.js";
import { free, h, link } from "./dom.js";
import { isZero, write } from "./exact.js";
import { poster } from "./lists.js";
import { accountLink, amount, badge, empty, facts, id, instant, money, section, table, term } from "./parts.js";

export async function transaction({ parts: [transactionId], signal }) {
  const path = `/transactions/${encodeURIComponent(transactionId)}`;
  const [assets, { data }, { data: entries }] = await Promise.all([
    assetTypes(),
    get(path, {}, signal),
    get(`${path}/entries`, {}, signal),
  ]);
  const asset = assets.get(data.assetTypeId);
  const isHold = data.type === "HOLD";
  return {
    title: [money(data.amount, asset)],
    marks: [badge(data.type), " ", badge(isHold ? data.state : data.status)],
    content: [
      facts(
        term("Id", id(data.id)),
        data.sourceAccountId !== null && term("From", accountLink(data.sourceAccountId)),
        data.destAccountId !== null && term("To", accountLink(data.destAccountId)),
        term("Idempotency key", free(data.idempotencyKey)),
        data.referenceId !== null && term("Reference", free(data.referenceId)),
        data.description !== null && term("Description", free(data.description)),
        data.campaign && term("Campaign", free(data.campaign)),
        data.refundOf && term("Refund of", link(["transactions", data.refundOf], {}, id(data.refundOf))),
        data.holdId && term("Capture of", link(["transactions", data.holdId], {}, id(data.holdId))),
        data.rate && term("Rate", String(data.rate)),
        data.remainder && term("Cut off", String(data.remainder)),
      ),
      section("Entries", isHold ? empty("A hold has no entries: it reserves, and moves nothing.") : entryTable(entries, assets)),
      section("History", h("ol", { class: "history" }, await history(data, asset, signal))),
      data.metadata !== null && section("Metadata", h("pre", { tabindex: "0" }, write(data.metadata))),
    ],
  };
}

const entryTable = (entries, assets) =>
  table("Entries", [
    { name: "Account", cell: (row) => accountLink(row.accountId) },
    { name: "Asset", cell: (row) => assets.get(row.assetTypeId)?.symbol },
    { name: "Debit", kind: "number", cell: (row) => row.entryType === "DEBIT" && amount(row.amount, assets.get(row.assetTypeId)) },
    { name: "Credit", kind: "number", cell: (row) => row.entryType === "CREDIT" && amount(row.amount, assets.get(row.assetTypeId)) },
    { name: "Balance after", kind: "number", cell: (row) => amount(row.balanceAfter, assets.get(row.assetTypeId)) },
    { name: "Entry of the account", kind: "number", cell: (row) => String(row.version) },
  ], entries);

/** What happened to it, in order. */
async function history(data, asset, signal) {
  const events = [event(data.createdAt, data.type === "HOLD" ? "Held" : "Posted", " by ", poster(data.postedBy))];
  if (data.type === "HOLD") events.push(holdEnd(data, asset));
  if (data.refundedAmount && !isZero(data.refundedAmount)) {
    const refunds = await refundsOf(data, signal);
    events.push(...refunds.map((one) => event(one.createdAt, link(["transactions", one.id], {}, "Refunded"), " ", money(one.amount, asset))));
    events.push(h("li", {}, "Refunded in all: ", money(data.refundedAmount, asset), " of ", money(data.amount, asset)));
  }
  return events;
}

const event = (at, ...what) => h("li", {}, instant(at), " ", what);

function holdEnd(data, asset) {
  switch (data.state) {
    case "CAPTURED":
      return event(data.closedAt, link(["transactions", data.captureId], {}, "Captured"), " ", money(data.capturedAmount, asset));
    case "VOIDED":
      return event(data.closedAt, "Voided");
    case "EXPIRED":
      return event(data.expiresAt, "Ran out");
    default:
      return event(data.expiresAt, "Runs out then, unless it is captured or voided before");
  }
}

/** The refunds of a transaction: among those of an account of its, since then. */
async function refundsOf(data, signal) {
  const accountId = data.sourceAccountId ?? data.entries?.[0].accountId;
  const asked = { accountId, type: "REFUND", createdFrom: data.createdAt, limit: 100 };
  const found = await find("/transactions", asked, signal);
  return (found ?? []).filter((one) => one.refundOf === data.id).reverse();
}
