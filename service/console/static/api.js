// The JSON API, with the key that the user gave.

import { parse } from "./exact.js";

const BASE = "../api/v1";
const KEY = "wallet-console-key";

/** A refusal of the service, or no answer at all: status 0. */
export class Refused extends Error {
  constructor(status, code, sentence) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}

export const savedKey = () => sessionStorage.getItem(KEY);
export const saveKey = (key) => (key ? sessionStorage.setItem(KEY, key) : sessionStorage.removeItem(KEY));

/** Sends a GET and gives the Response, whatever its status. Query parameters that are null are left out. */
export async function send(path, { query = {}, signal, accept = "application/json" } = {}) {
  const wanted = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const parameters = new URLSearchParams(wanted).toString();
  const headers = { Accept: accept };
  const key = savedKey();
  if (key) headers.Authorization = `Bearer ${key}`;
  try {
    return await fetch(`${BASE}${path}${parameters && `?${parameters}`}`, { headers, signal, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, "no_answer", "The service does not answer.");
  }
}

/** The refusal in an answer that is no success. */
export async function refusal(response) {
  try {
    const { code, error } = parse(await response.text());
    return new Refused(response.status, code, error);
  } catch {
    return new Refused(response.status, "no_envelope", `The service answered ${response.status}.`);
  }
}

/** GETs a list or a thing: {data, pagination}. Raises Refused. */
export async function get(path, query, signal) {
  const response = await send(path, { query, signal });
  if (!response.ok) throw await refusal(response);
  return parse(await response.text());
}

/** The data of a GET, or null where the service has nothing there or will not look. */
export async function find(path, query, signal) {
  try {
    return (await get(path, query, signal)).data;
  } catch (error) {
    if (error instanceof Refused && [400, 403, 404].includes(error.status) && error.code !== "forbidden") return null;
    throw error;
  }
}

let assets;

/** The asset types by id, asked for once per page and key. */
export function assetTypes() {
  assets ??= get("/asset-types").then(
    ({ data }) => new Map(data.map((one) => [one.id, one])),
    (error) => {
      assets = undefined;
      throw error;
    },
  );
  return assets;
}

const accounts = new Map();

/** An account, for its name: asked for once. Null when it cannot be read. */
export function knownAccount(id) {
  if (!accounts.has(id)) accounts.set(id, find(`/accounts/${encodeURIComponent(id)}`).catch(() => null));
  return accounts.get(id);
}

/** Forgets what another key has read. */
export function forget() {
  assets = undefined;
  accounts.clear();
}

/**
 * A statement: {accountId, opening, closing, …, lines, totals}. Its head comes before its lines, so one that has more of them than
 * `linesMax` is not read on: then `lines` is null.
 */
export async function statement(path, query, linesMax, signal) {
  const response = await send(path, { query, signal });
  if (!response.ok) throw await refusal(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let head = null;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return parse(text).data;
    text += value;
    if (head === null && text.includes('"lines":[')) {
      head = parse(`${text.slice(0, text.indexOf(',"lines":['))}}}`).data;
      if (head.closing.version - head.opening.version > linesMax) {
        await reader.cancel();
        return { ...head, lines: null };
      }
    }
  }
}
