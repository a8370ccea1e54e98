/* The tooltip that points of all plots share: suiteTip.show(element, text), suiteTip.hide(). */
const suiteTip = (() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  // What it says is also the name of the point that it belongs to.
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);

  function show(element, text) {
    const box = element.getBoundingClientRect();
    tip.textContent = text;
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const left = Math.max(8, Math.min(room, box.left + box.width / 2 - tip.offsetWidth / 2));
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = scrollX + left + "px";
    tip.style.top = scrollY + (above < 0 ? box.bottom + 8 : above) + "px";
  }

  function hide() {
    tip.hidden = true;
  }

  addEventListener("pointerdown", (event) => { if (!event.target.closest?.("svg .point")) hide(); });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  return Object.freeze({ show, hide });
})();
