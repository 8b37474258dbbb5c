// Money: whole minor units in, text out, and back. Never through a fraction of a number.

const MAX = 9007199254740991n;

export class Currency {
  constructor(code, digits) {
    this.code = code;
    this.digits = digits;
    const shape = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    try {
      this.shape = new Intl.NumberFormat(undefined, code ? { style: "currency", currency: code, currencyDisplay: "code", ...shape } : shape);
    } catch {
      this.shape = new Intl.NumberFormat(undefined, shape);
    }
  }

  /** The plain decimal form, which the house takes: `1234.50`. */
  decimal(minor) {
    const text = String(minor).padStart(this.digits + 1, "0");
    if (this.digits === 0) return text;
    return `${text.slice(0, -this.digits)}.${text.slice(-this.digits)}`;
  }

  /** For people, in their own way of writing numbers. A text is formatted exactly. */
  show(minor) {
    return this.shape.format(this.decimal(minor));
  }

  /** What somebody typed, as minor units; null where it could mean two things or nothing. */
  read(typed) {
    const text = typed.replace(/[\s\u00a0\u202f'’]/gu, "");
    // With three digits after it, a comma could as well group thousands.
    const point = this.digits === 3 ? "[.]" : "[.,]";
    const fractions = this.digits > 2 ? `\\d{1,2}|\\d{${this.digits}}` : `\\d{1,${this.digits}}`;
    const form = this.digits === 0 ? /^(\d{1,16})$/ : new RegExp(`^(\\d{1,16})(?:${point}(${fractions}))?$`);
    const parts = form.exec(text);
    if (!parts) return null;
    const fraction = (parts[2] ?? "").padEnd(this.digits, "0");
    const minor = BigInt(parts[1] + fraction);
    return minor > 0n && minor <= MAX ? Number(minor) : null;
  }
}
