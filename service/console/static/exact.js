// JSON and amounts, digit for digit: a number such as 90071992547409.0001 does not fit into a number of JavaScript.

/** A number of a JSON text, as its digits. */
export class Digits {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }

  /** For places on a chart, and for nothing else. */
  valueOf() {
    return Number(this.text);
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parses JSON; every number becomes Digits. No text of the service holds NUL, so a string that begins with it is a number. */
export function parse(text) {
  const marked = text.replace(TOKEN, (token) => (token[0] === '"' ? token : `"\\u0000${token}"`));
  return JSON.parse(marked, (name, value) =>
    typeof value === "string" && value[0] === "\0" ? new Digits(value.slice(1)) : value);
}

/** Writes a parsed value as JSON again, indented, with the digits that came. */
export function write(value, indent = "") {
  const deeper = `${indent}  `;
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((one) => deeper + write(one, deeper)).join(",\n")}\n${indent}]`;
  }
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value);
    if (members.length === 0) return "{}";
    return `{\n${members.map(([name, one]) => `${deeper}${JSON.stringify(name)}: ${write(one, deeper)}`).join(",\n")}\n${indent}}`;
  }
  return JSON.stringify(value);
}

/** Splits an amount into what is shown: sign, grouped whole part, fraction, and zeros up to the asset's decimals. */
export function parts(amount, decimals) {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(amount));
  return {
    sign,
    whole: whole.replace(/\B(?=(\d{3})+$)/g, ","),
    fraction,
    zeros: "0".repeat(Math.max(0, decimals - fraction.length)),
  };
}

/** Whether an amount is zero. */
export const isZero = (amount) => /^-?0*(\.0*)?$/.test(String(amount));
