/* Sorting, tooltips and a copy button. The page says all it has to say without this script. */

function compare(a, b, direction) {
  // Rows without a figure come last whatever the direction.
  if (a === null || b === null) return (a === null) - (b === null);
  const order = a < b ? -1 : a > b ? 1 : 0;
  return direction === "ascending" ? order : -order;
}

function sortTable(table, header, status) {
  const column = Number(header.dataset.column);
  const first = header.dataset.first;
  const other = first === "ascending" ? "descending" : "ascending";
  const direction = header.getAttribute("aria-sort") === first ? other : first;
  for (const body of table.tBodies) {
    const rows = [...body.querySelectorAll("tr.row")];
    const value = new Map(rows.map((row) => [row, JSON.parse(row.dataset.values)[column]]));
    rows.sort((a, b) => compare(value.get(a), value.get(b), direction));
    body.append(...rows);
  }
  for (const one of table.querySelectorAll("th[aria-sort]")) one.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction);
  status.textContent = "Sorted by " + header.textContent.trim() + ", " + direction;
}

for (const table of document.querySelectorAll("table.leaderboard")) {
  const status = table.closest("section").querySelector("[role=status]");
  for (const header of table.querySelectorAll("th[data-column]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortTable(table, header, status));
    header.append(button);
  }
}

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

function showTip(point) {
  const box = point.querySelector(".marker").getBoundingClientRect();
  tip.textContent = point.dataset.tip;
  tip.hidden = false;
  const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
  const left = Math.max(8, Math.min(room, box.left + box.width / 2 - tip.offsetWidth / 2));
  tip.style.left = window.scrollX + left + "px";
  tip.style.top = window.scrollY + box.top - tip.offsetHeight - 8 + "px";
}

for (const point of document.querySelectorAll("svg .point")) {
  // The native tooltip comes late and not at all on touch screens.
  const title = point.querySelector("title");
  point.dataset.tip = title.textContent;
  title.remove();
  point.addEventListener("pointerenter", () => showTip(point));
  point.addEventListener("pointerleave", () => { tip.hidden = true; });
}

for (const block of document.querySelectorAll(".command")) {
  const text = block.querySelector("pre");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Selected";
    }
  });
  block.append(button);
}
