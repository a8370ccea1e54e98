/* Tooltips and a copy button. The page says all it has to say without this script. */

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
