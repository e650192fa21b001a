// Rows that change places move there, so that the eye can follow.

const GLIDE_MS = 300;

// Put the rows into the box in this order. glide: whether those that stood elsewhere move there slowly.
export function putRows(box, rows, glide) {
  const before = new Map([...box.children].map((row) => [row, row.offsetTop]));
  box.replaceChildren(...rows);
  if (!glide || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const row of rows) {
    const by = before.has(row) ? before.get(row) - row.offsetTop : 0;
    if (by) row.animate({ transform: [`translateY(${by}px)`, "none"] }, { duration: GLIDE_MS, easing: "ease-out" });
  }
}
