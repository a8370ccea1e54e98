/* Copy buttons, and what is done when the page is whole. The page says all it has to say without this script. */

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

// When all has been laid out once its height is known, and what is far from the window can be left out (report.css).
addEventListener("load", () => requestAnimationFrame(() => setTimeout(() => document.documentElement.classList.add("settled"))));
