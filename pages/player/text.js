// Scores as texts: as clip_core/charts/unit_text.py writes them.

// Never minus zero.
export function scoreText(value, decimals) {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}
