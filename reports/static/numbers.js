// Numbers and colours exactly as reports/numbers.py and reports/colour.py print them; values come rounded.
const LAST = 17;
const short = v => v === null || v === undefined ? "" : Number.isNaN(v) ? "nan" : v === Infinity ? "∞" : v === -Infinity ? "−∞"
  : v !== 0 && (Math.abs(v) < 1e-4 || Math.abs(v) >= 1000) ? v.toExponential().replace("+", "") : String(v);
const ulpLevel = v => !Number.isFinite(v) ? LAST : v <= 0.5 ? 0 : Math.min(LAST - 1, Math.round(2 * Math.log10(2 * v)));
const ratioLevel = v => !Number.isFinite(v) ? LAST : v <= 1 ? Math.floor(2 * v + 0.5)
  : Math.min(LAST - 1, 3 + Math.round(2 * Math.log10(v)));
const grouped = n => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
