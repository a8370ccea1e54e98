/* PSNR image by image: every image as a small line, and differences to a network that the reader chooses. */
(() => {
  const { node, px } = suiteDraw;
  const WIDTH = 200;

  function quantile(sorted, share) {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  }

  function boxOf(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const [first, median, third] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share));
    const reach = 1.5 * (third - first);
    const inside = sorted.filter((value) => first - reach <= value && value <= third + reach);
    return { low: inside[0], first, median, third, high: inside.at(-1) };
  }

  const print = (value, signed) => (Math.abs(value) < 0.005 ? "" : value < 0 ? "\u2212" : signed ? "+" : "") + Math.abs(value).toFixed(2);

  function mount(details, source) {
    const data = JSON.parse(source.textContent);
    const key = "to-" + source.dataset.distribution;
    const body = details.querySelector("tbody");
    const rows = new Map([...body.rows].map((row) => [row.dataset.row, row]));
    const [, medianHead, , axis] = details.querySelector("thead tr").cells;
    const label = document.createElement("label");
    const select = document.createElement("select");
    label.className = "against";
    label.append("Difference to ", select);
    select.append(new Option("none: PSNR itself", ""));
    for (const [id, title, origin] of data.networks) select.append(new Option(origin === "official" ? title : title + ", " + origin, id));
    source.after(label);

    const valuesOf = ([, , , offsets]) => offsets.map((offset, image) => (data.base[image] + offset) / 1000);

    function draw() {
      const reference = data.networks.find(([id]) => id === select.value);
      const zero = reference && valuesOf(reference);
      const found = data.networks.map((network) => {
        const values = valuesOf(network).map((value, image) => (zero ? value - zero[image] : value));
        return { id: network[0], values, box: boxOf(values) };
      });
      let low = Math.min(...found.flatMap(({ values }) => values));
      let high = Math.max(...found.flatMap(({ values }) => values));
      if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
      const x = (value) => px(2 + ((value - low) / (high - low)) * (WIDTH - 4));
      medianHead.textContent = zero ? "Median difference" : "Median";
      axis.replaceChildren(...[low, high].map((end) => {
        const text = document.createElement("span");
        text.textContent = zero ? print(end, true) : end.toFixed(1);
        return text;
      }));
      axis.lastChild.append(" dB");
      found.sort((a, b) => b.box.median - a.box.median);
      for (const { id, values, box } of found) {
        const row = rows.get(id);
        row.cells[1].textContent = print(box.median, zero);
        row.cells[2].textContent = print(box.first, zero) + (zero ? " to " : "\u2013") + print(box.third, zero);
        const drawing = row.querySelector("svg");
        const farthest = values.indexOf(Math.min(...values));
        drawing.replaceChildren(
          node("title", {}, "Lowest: " + data.images[farthest] + ", " + print(values[farthest], zero) + " dB"),
          node("path", { class: "images", d: values.map((value) => "M" + x(value) + ",2V8").join("") }),
          ...(zero ? [node("path", { class: "zero", d: "M" + x(0) + ",0V10" })] : []),
          node("path", { d: "M" + x(box.low) + ",5H" + x(box.first) + "M" + x(box.third) + ",5H" + x(box.high) }),
          node("path", { class: "middle", d: "M" + x(box.first) + ",1H" + x(box.third) + "V9H" + x(box.first) + "z" }),
          node("path", { class: "half", d: "M" + x(box.median) + ",1V9" }));
        body.append(row);
      }
      showSelection();
    }

    function showSelection() {
      for (const [id, row] of rows) row.classList.toggle("selected", suiteSelection.has(id));
    }
    suiteSelection.on(showSelection);

    function load(text) {
      select.value = data.networks.some(([id]) => id === text) ? text : "";
      if (select.value) details.open = true;
      if (details.open) draw();
    }
    select.addEventListener("change", () => {
      suiteState.set(key, select.value || null);
      draw();
    });
    details.addEventListener("toggle", () => { if (details.open) draw(); });
    suiteState.on(key, load);
    load(suiteState.get(key));
  }

  for (const source of document.querySelectorAll("script[data-distribution]")) mount(source.closest("details"), source);
})();
