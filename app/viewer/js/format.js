// Numbers as they are read: two digits, 7.6·10⁻⁷ below 0.01, else 0.94; an exact zero is "0".

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export const raised = (exponent) => [...String(exponent)].map((c) => RAISED[c]).join("");

/** A relative error. */
export function delta(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return "–";
  if (value >= 0.00995) return value >= 9.95 ? value.toFixed(0) : value.toPrecision(2);
  const [digits, exponent] = value.toExponential(1).split("e");
  return `${digits}·10${raised(Number(exponent))}`;
}

/** A physical value, plain: 140.8, 0.013; below a thousandth only that it is there. */
export function plain(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.001) return "< 0.001";
  const digits = size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  return value.toFixed(digits).replace("-", "−");
}

/** The axis of a rotation, two digits a component. */
export function axisText(axis) {
  const parts = axis.map((part) => {
    const text = part.toFixed(2).replace(/\.?0+$/, "").replace("0.", ".").replace("-", "−");
    return text === "−0" || text === "" ? "0" : text;
  });
  return `(${parts.join(" ")})`;
}

/** A magnification: ×1, ×10⁶. */
export const times = (exponent) => (exponent === 0 ? "× 1" : `× 10${raised(exponent)}`);
