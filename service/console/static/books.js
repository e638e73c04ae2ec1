// The books as a whole: the trial balance, and what is known of the doctor.

import { assetTypes, get } from "./api.js";
import { h } from "./dom.js";
import { isZero } from "./exact.js";
import { amount, badge, empty, instant, section, table } from "./parts.js";

export async function books({ signal }) {
  const assets = await assetTypes();
  const [balance, { data: doctor }] = await Promise.all([
    get("/trial-balance", {}, signal).then(
      ({ data }) => trialBalance(data, assets),
      // The doctor is shown all the same.
      (error) => {
        if (signal.aborted || error.status === 401) throw error;
        return h("p", { class: "error", role: "alert" }, error.message);
      },
    ),
    get("/doctor", {}, signal),
  ]);
  return { title: "Books", content: [section("Trial balance", balance), section("Doctor", doctorParts(doctor))] };
}

function trialBalance(rows, assets) {
  if (rows.length === 0) return empty("There is no asset type yet.");
  const of = (field) => (row) => amount(row[field], assets.get(row.assetTypeId));
  const off = rows.filter((row) => !isZero(row.balanceSum) || String(row.debits) !== String(row.credits));
  return [
    off.length === 0
      ? h("p", { class: "verdict good" }, "The books balance: debits equal credits, and all balances add up to zero.")
      : h("p", { class: "verdict bad", role: "alert" }, `The books do not balance: ${off.map((row) => row.symbol).join(", ")}. Run wallet doctor.`),
    table("Trial balance, by asset", [
      { name: "Asset", cell: (row) => h("abbr", { title: assets.get(row.assetTypeId)?.name }, row.symbol) },
      { name: "Debits", kind: "number", cell: of("debits") },
      { name: "Credits", kind: "number", cell: of("credits") },
      { name: "Treasury", kind: "number", cell: of("treasuryBalance") },
      { name: "Revenue", kind: "number", cell: of("revenueBalance") },
      { name: "Wallets", kind: "number", cell: of("walletBalance") },
      { name: "Conversion", kind: "number", cell: of("conversionBalance") },
      { name: "Sum", kind: "number", cell: of("balanceSum") },
    ], rows),
  ];
}

function doctorParts({ lastCleanRun, checks }) {
  return [
    lastCleanRun === null
      ? h("p", { class: "verdict" }, "No full run that found nothing is on record. ", h("code", {}, "wallet doctor"), " makes one.")
      : h("p", { class: "verdict good" }, "The last full run that found nothing was at ", instant(lastCleanRun.checkedAt), ` and had read all up to posting number ${lastCleanRun.number}.`),
    table("What the doctor checks", [
      { name: "Check", cell: (row) => h("code", {}, row.name) },
      { name: "Severity", cell: (row) => badge(row.severity) },
      { name: "What holds", cell: (row) => row.meaning },
      { name: "Otherwise", cell: (row) => row.remedy },
    ], checks),
  ];
}
