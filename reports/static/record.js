/* The dialog with the record behind a figure.

   suiteRecord(data, sheet, row, head, closed)   opens it; `closed` is called when it is gone */
const suiteRecord = (() => {
  function element(name, properties, ...children) {
    const made = document.createElement(name);
    Object.assign(made, properties);
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  // The page has no address of any other in it, not even that of a namespace.
  const holder = document.createElement("template");
  holder.innerHTML = "<svg>";
  const SVG = holder.content.firstChild.namespaceURI;

  function drawing(name, attributes, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    made.append(...children);
    return made;
  }

  /* Dots along a line, the first at the top, and a line at the figure itself. */
  function strip(values, figure, label) {
    const width = 420;
    const height = Math.min(60, Math.max(28, values.length * 2));
    const all = Number.isFinite(figure) ? [...values, figure] : values;
    const low = Math.min(...all);
    const span = Math.max(...all) - low || 1;
    const x = (value) => (8 + ((width - 16) * (value - low)) / span).toFixed(1);
    const step = (height - 12) / Math.max(values.length - 1, 1);
    const dots = values.map((value, place) => drawing("circle", { cx: x(value), cy: (6 + place * step).toFixed(1), r: 2.4 }));
    const line = Number.isFinite(figure) ? [drawing("path", { class: "median", d: "M" + x(figure) + ",0V" + height })] : [];
    return drawing("svg", { viewBox: "0 0 " + width + " " + height, width, height, role: "img", "aria-label": label }, ...line, ...dots);
  }

  function definitions(pairs) {
    const filled = pairs.filter(([, text]) => text);
    return element("dl", { className: "facts" }, ...filled.map(([label, text]) =>
      element("div", {}, element("dt", { textContent: label }), element("dd", { textContent: text }))));
  }

  function command(text) {
    const pre = element("pre", { tabIndex: 0, textContent: text });
    pre.setAttribute("aria-label", "Command that remakes it");
    return element("div", { className: "command" }, pre, element("button", {
      type: "button",
      textContent: "Copy",
      async onclick() {
        getSelection().selectAllChildren(pre);
        try {
          await navigator.clipboard.writeText(text);
          this.textContent = "Copied";
        } catch {
          this.textContent = "Selected";
        }
      },
    }));
  }

  function aboutTheFigure(data, row, head, cell) {
    const extra = new Map(head.extra.map(([name], place) => [name, cell.extra[place]]));
    const interval = extra.get("lower") ? extra.get("lower") + " to " + extra.get("upper") : "";
    const published = data.published[cell.key + " " + head.metric] ?? [];
    return definitions([
      ["What it is", head.definition],
      ["In full", cell.exact],
      ["95 % interval", interval && interval + " " + (cell.exact.split(" ")[1] ?? "")],
      ["Rank in the whole table", cell.rank === null ? "" : String(cell.rank)],
      ["Not measured", cell.missing.replace(/^not measured: /, "")],
      ...published.map(([value, difference, verdict, because, source]) =>
        ["Published", [value + " in " + data.texts[source], difference, verdict, data.texts[because]].filter(Boolean).join("; ")]),
    ]);
  }

  function samplesOf(data, record, head, cell) {
    if (head.metric === "latency_ms" && record.samples) {
      const ms = record.samples;
      const words = ms.length + " timings from " + Math.min(...ms) + " to " + Math.max(...ms) + " ms";
      return ["Raw samples", words + ", the first at the top; the line is the median.", strip(ms, Number(cell.value), words)];
    }
    const images = suiteUnpack.images(data, record, head.metric);
    if (!images) return null;
    const words = images.length + " image" + (images.length === 1 ? "" : "s") + " from " + Math.min(...images) + " to " + Math.max(...images);
    return ["Image by image", words + ", the first at the top; the line is the mean.", strip(images, Number(cell.value), words)];
  }

  return (data, row, head, cell, closed) => {
    const record = data.records[cell.key];
    const shared = record.shared.map((place) => data.shared[place]);
    const isCommand = (block) => block[0]?.[0] === "Command that remakes it";
    const remade = shared.find(isCommand)?.[0][1];
    const samples = samplesOf(data, record, head, cell);
    const title = row.title + ": " + [head.label, head.sub, head.group].filter(Boolean).join(", ");
    const unit = head.label.match(/\((.*)\)$/)?.[1] ?? "";
    const figure = cell.parts.length ? (cell.parts[0][0] + " " + unit).trim() : "not measured";
    const close = element("button", { type: "button", className: "close", textContent: "Close" });
    const dialog = element("dialog", { className: "record" },
      element("div", { className: "top" }, element("h2", { id: "record-title", textContent: title }), close),
      element("p", { className: "big" }, figure, element("span", { className: "origin", textContent: row.sub })),
      aboutTheFigure(data, row, head, cell),
      ...(samples ? [element("h3", { textContent: samples[0] }), element("p", { className: "about", textContent: samples[1] }), samples[2]] : []),
      ...(remade ? [element("h3", { textContent: "Command that remakes it" }), command(remade)] : []),
      element("h3", { textContent: "Record" }),
      definitions([["Record", cell.key], ["Finished", record.finished], ...shared.filter((block) => !isCommand(block)).flat()]));
    dialog.setAttribute("aria-labelledby", "record-title");
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close(); // the backdrop
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      closed();
    });
    document.body.append(dialog);
    dialog.showModal();
  };
})();
