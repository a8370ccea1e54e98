/* The plot below each leaderboard, with axes to choose. Points are the rows of the table: a filter hides both, and
   a click, or space on a focused point, selects both. What is chosen is in the address. */
(() => {
  const source = document.getElementById("plot-data");
  if (!source) return;
  const { node, px, path, axis, ticks, placeNames, asBoxes } = suiteDraw;
  const data = JSON.parse(source.textContent);
  const measuring = document.createElement("canvas").getContext("2d");
  const RADIUS = 6.5;

  function textWidth(text) {
    measuring.font = "13px " + getComputedStyle(document.body).fontFamily;
    return measuring.measureText(text).width + 4;
  }

  /* The points that no other beats, from the best across to the worst. */
  function paretoFront(points, across, up) {
    const cost = (p) => (across.higher ? -p.x : p.x);
    const gain = (p) => (up.higher ? p.y : -p.y);
    const front = [];
    for (const point of [...points].sort((a, b) => cost(a) - cost(b) || gain(b) - gain(a))) {
      if (!front.length || gain(point) > gain(front.at(-1))) front.push(point);
    }
    return front;
  }

  function stairs(front, area, across, up) {
    const corners = [[front[0].left, up.higher ? area.bottom : area.top]];
    for (const point of front) {
      if (corners.length > 1) corners.push([point.left, corners.at(-1)[1]]);
      corners.push([point.left, point.top]);
    }
    return [...corners, [across.higher ? area.left : area.right, corners.at(-1)[1]]];
  }

  function mount(root, table, name) {
    const scale = root.dataset.scale;
    const controls = [...root.querySelectorAll("select, input")];
    const form = Object.fromEntries(controls.map((control) => [control.name, control]));
    const [canvas, frontLine, remark, reset] = [".canvas", ".front-list", ".left-out", "button"].map((one) => root.querySelector(one));
    const columns = new Map(table.columns.map((column, place) => [column.id, { ...column, place }]));
    const value = (control) => (control.type === "checkbox" ? String(control.checked) : control.value);
    const usual = new Map(controls.map((control) => [control, value(control)]));
    const trs = new Map([...document.querySelectorAll("#x" + scale + " tr.row[data-row]")].map((tr) => [tr.dataset.row, tr]));
    const nodes = new Map();
    let order = [];
    let drawn = 0;

    function assign(control, text) {
      if (control.type === "checkbox") control.checked = text === "true";
      else if (control.type !== "hidden" && [...control.options].some((option) => option.value === text)) control.value = text;
    }

    const key = (control) => control.name + "-" + name;
    for (const control of controls) {
      const from = (text) => assign(control, text ?? usual.get(control));
      from(suiteState.get(key(control)));
      suiteState.on(key(control), (text) => {
        from(text);
        draw();
      });
      control.addEventListener("change", () => {
        suiteState.set(key(control), value(control) === usual.get(control) ? null : value(control));
        draw();
      });
    }
    reset.addEventListener("click", () => {
      for (const control of controls) {
        assign(control, usual.get(control));
        suiteState.set(key(control), null);
      }
      draw();
      form.x.focus();
    });

    /* ---- Which points ---- */

    function choosePoints(across, up, size) {
      const remarks = [];
      let group = form.group?.value ?? "";
      const bound = [across, up, size].some((one) => one?.machine);
      if (bound && group === "" && table.groups.length > 1) {
        group = String(table.rows.find((row) => [across, up].every((one) => row.values[one.place] !== null))?.group ?? 0);
        remarks.push("Memory and runtime of unlike machines are not drawn together: this is " + table.groups[Number(group)] + ".");
      }
      const rows = table.rows.filter((row) => !trs.get(row.id)?.hidden && (group === "" || row.group === Number(group)));
      const networks = rows.filter((row) => !row.reference);
      const fits = (figure, logarithmic) => figure !== null && Number.isFinite(figure) && (!logarithmic || figure > 0);
      const points = [];
      const seen = new Set();
      const lacking = new Set();
      for (const row of networks) {
        const [x, y, area] = [across, up, size].map((one) => (one ? row.values[one.place] : 1));
        if (!fits(x, form.xlog.checked) || !fits(y, form.ylog.checked) || !fits(area, false) || area < 0) {
          lacking.add(row.name);
          continue;
        }
        const same = [row.name, x, y].join();
        if (!seen.has(same)) points.push({ row, x, y, area });
        seen.add(same);
      }
      if (lacking.size) remarks.push("Not in the plot, for want of a figure: " + [...lacking].join(", ") + ".");
      const reference = up.higher ? rows.find((row) => row.reference && row.values[up.place] !== null) : null;
      return { points, remarks, reference };
    }

    function words(row, column) {
      const interval = row.intervals[column.place];
      return column.label + " " + (row.texts[column.place] + " " + column.unit).trim() + (interval ? " (95 % interval " + interval[2] + ")" : "");
    }

    function tipOf(point, chosen) {
      const lines = chosen.map((column) => words(point.row, column) + (column.at ? ", " + column.at : ""));
      return [point.row.name, ...new Set(lines)].join("\n");
    }

    /* ---- Drawing ---- */

    function draw() {
      const width = Math.min(root.clientWidth, 1080);
      if (!width) return;
      drawn = root.clientWidth;
      const height = width > 620 ? 480 : 400;
      const area = { left: 58, top: 34, right: width - 14, bottom: height - 46 };
      const [across, up, size] = ["x", "y", "size"].map((name) => columns.get(form[name].value));
      reset.hidden = controls.every((control) => value(control) === usual.get(control));
      const { points, remarks, reference } = choosePoints(across, up, size);
      const focused = [...nodes].find(([, one]) => one === document.activeElement)?.[0];
      nodes.clear();
      canvas.setAttribute("viewBox", "0 0 " + width + " " + height);
      canvas.setAttribute("width", width);
      canvas.setAttribute("height", height);
      canvas.setAttribute("aria-label", up.label + " against " + across.label + ", " + points.length + " networks");
      canvas.replaceChildren();
      if (!points.length) {
        canvas.append(node("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "No network has both figures."));
        frontLine.textContent = "";
        remark.textContent = remarks.join(" ");
        return;
      }
      const span = (column, name) => points.flatMap(({ row, [name]: figure }) => {
        const interval = row.intervals[column.place];
        return interval && interval[0] > 0 ? [figure, interval[0], interval[1]] : [figure];
      });
      const heights = span(up, "y");
      const base = reference?.values[up.place];
      const [low, high] = [Math.min(...heights), Math.max(...heights)];
      const near = reference && low - base <= 0.4 * (high - low) && base - high <= 0.4 * (high - low);
      const xs = axis(span(across, "x"), area.left, area.right, form.xlog.checked);
      const ys = axis(near ? [...heights, base] : heights, area.bottom, area.top, form.ylog.checked);
      const largest = Math.max(...points.map((point) => point.area));
      for (const point of points) {
        point.left = xs.pixel(point.x);
        point.top = ys.pixel(point.y);
        point.radius = size ? 3.5 + 16 * Math.sqrt(point.area / (largest || 1)) : RADIUS;
      }
      drawFrame(area, across, up, xs, ys);
      if (near) drawReference(area, ys.pixel(base), reference.name);
      else if (reference) remarks.push(reference.name + " (" + words(reference, up) + ") lies outside the range shown.");
      const front = paretoFront(points, across, up);
      const corners = form.front?.checked && points.length > 1 ? stairs(front, area, across, up) : [];
      if (corners.length) canvas.append(node("path", { class: "front", d: path(corners) }));
      const misleading = form.pairs?.checked ? misleadingPairs(points) : null;
      for (const { fewer, more } of misleading?.found.slice(0, 6) ?? []) {
        canvas.append(node("path", { class: "link", d: path([[fewer.left, fewer.top], [more.left, more.top]]) }));
      }
      // Large bubbles first, so that small ones lie on them.
      for (const point of [...points].sort((a, b) => b.radius - a.radius)) {
        drawPoint(point, tipOf(point, [up, across, ...(size ? [size] : [])]), xs, ys, across, up);
      }
      const unnamed = form.names.checked ? drawNames(points, area, asBoxes(corners)) : 0;
      if (unnamed) remarks.push(unnamed + (unnamed === 1 ? " point has" : " points have") + " no room for a name; the table lists all.");
      if (size) remarks.push("Area of the bubbles: " + size.label + ", " + (size.at || size.group) + ".");
      order = [...points].sort((a, b) => a.left - b.left || a.top - b.top).map((point) => point.row.id);
      nodes.get(order.includes(focused) ? focused : order[0]).setAttribute("tabindex", "0");
      if (focused) nodes.get(focused)?.focus({ preventScroll: true });
      const figure = (row, column) => (row.texts[column.place] + " " + column.unit).trim();
      const listed = front.map((p) => p.row.title + " (" + figure(p.row, up) + ", " + figure(p.row, across) + ")");
      frontLine.textContent = form.front?.checked ? "Pareto front, not beaten in both by any other network: " + listed.join("; ") + "." : "";
      if (misleading) frontLine.textContent = pairsInWords(misleading, across, up);
      remark.textContent = remarks.join(" ");
      showSelection();
    }

    /* Pairs of which the one with less across has more up, the most misleading first. */
    function misleadingPairs(points) {
      const found = [];
      let all = 0;
      for (const fewer of points) {
        for (const more of points) {
          if (!(fewer.x < more.x)) continue;
          all += 1;
          if (fewer.y > more.y) found.push({ fewer, more });
        }
      }
      const surprise = ({ fewer, more }) => (fewer.y / more.y) * (more.x / fewer.x);
      return { all, found: found.sort((a, b) => surprise(b) - surprise(a)) };
    }

    function pairsInWords({ all, found }, across, up) {
      const share = all ? Math.round((100 * found.length) / all) : 0;
      const worst = found.slice(0, 6).map(({ fewer, more }) => fewer.row.title + " and " + more.row.title);
      return "Of " + all + " pairs the network with less " + across.label + " has the higher " + up.label.toLowerCase() + " in " + found.length
        + " (" + share + " %), by medians alone." + (worst.length ? " Lines: " + worst.join("; ") + "." : "");
    }

    function title(column, logarithmic) {
      const where = column.at || (column.quality ? column.group : "");
      return column.label + (column.unit ? " (" + column.unit + ")" : "") + (where ? ", " + where : "") + (logarithmic ? ", log scale" : "");
    }

    function drawFrame(area, across, up, xs, ys) {
      const [grid, labels] = [node("g", { class: "grid" }), node("g", { class: "ticks" })];
      for (const [figure, text] of ticks(xs, area.right - area.left > 500 ? 6 : 4)) {
        const x = px(xs.pixel(figure));
        grid.append(node("path", { d: "M" + x + "," + area.top + "V" + area.bottom }));
        labels.append(node("text", { x, y: area.bottom + 18, "text-anchor": "middle" }, text));
      }
      for (const [figure, text] of ticks(ys, 5)) {
        const y = px(ys.pixel(figure));
        grid.append(node("path", { d: "M" + area.left + "," + y + "H" + area.right }));
        labels.append(node("text", { x: area.left - 8, y: Number(y) + 4, "text-anchor": "end" }, text));
      }
      canvas.append(
        grid, node("path", { class: "axis", d: "M" + area.left + "," + area.bottom + "H" + area.right }), labels,
        node("text", { class: "axis-title", x: 4, y: 16 }, title(up, form.ylog.checked)),
        node("text", { class: "axis-title", x: area.right, y: area.bottom + 38, "text-anchor": "end" }, title(across, form.xlog.checked)));
    }

    function drawReference(area, y, name) {
      canvas.append(
        node("path", { class: "reference", d: "M" + area.left + "," + px(y) + "H" + area.right }),
        node("text", { class: "reference", x: area.right, y: px(y - 5), "text-anchor": "end" }, name));
    }

    function drawPoint(point, tip, xs, ys, across, up) {
      const { row, left, top, radius } = point;
      const group = node("g", {
        class: "point c" + row.colour, role: "button", tabindex: "-1", "aria-label": tip.replaceAll("\n", ", "), "data-tip": tip, "data-point": row.id,
      });
      const [wide, tall] = [row.intervals[across.place], row.intervals[up.place]];
      if (wide && wide[0] > 0) group.append(node("path", { class: "whisker", d: path([[xs.pixel(wide[0]), top], [xs.pixel(wide[1]), top]]) }));
      if (tall && tall[0] > 0) group.append(node("path", { class: "whisker", d: path([[left, ys.pixel(tall[0])], [left, ys.pixel(tall[1])]]) }));
      group.append(
        node("circle", { class: "target", cx: px(left), cy: px(top), r: px(Math.max(radius + 3, 12)) }),
        node("path", { class: "marker", d: data.outlines[row.shape], transform: "translate(" + px(left) + "," + px(top) + ") scale(" + px(radius) + ")" }));
      nodes.set(row.id, group);
      canvas.append(group);
    }

    function drawNames(points, area, lines) {
      const places = placeNames(
        points.map(({ left, top, radius, row }) => ({ x: left, y: top, radius, width: textWidth(row.label) })), area, lines);
      const [leaders, names] = [node("g", { class: "leaders" }), node("g", { class: "labels" })];
      places.forEach((place, index) => {
        if (!place) return;
        const { box, leader } = place;
        if (leader) leaders.append(node("path", { d: path(leader) }));
        const at = { x: px((box.left + box.right) / 2), y: px(box.bottom - 3.5), "text-anchor": "middle" };
        names.append(node("text", { ...at, "data-name": points[index].row.id }, points[index].row.label));
      });
      canvas.append(leaders, names);
      return places.filter((place) => !place).length;
    }

    /* ---- Selection, tooltip, keyboard ---- */

    function showSelection() {
      let any = false;
      for (const [id, point] of nodes) {
        const chosen = suiteSelection.has(id);
        any ||= chosen;
        point.classList.toggle("chosen", chosen);
        point.setAttribute("aria-pressed", String(chosen));
      }
      for (const name of canvas.querySelectorAll("[data-name]")) name.classList.toggle("chosen", suiteSelection.has(name.dataset.name));
      canvas.classList.toggle("choosing", any);
    }
    suiteSelection.on(showSelection);

    // Not on the drawing itself, which Chromium would make a stop of the tab key for that.
    const pointOf = (event) => event.target.closest(".canvas .point");
    const showTip = (point) => suiteTip.show(point.querySelector(".marker"), point.dataset.tip);
    root.addEventListener("pointerover", (event) => pointOf(event) && showTip(pointOf(event)));
    root.addEventListener("pointerout", (event) => { if (event.pointerType === "mouse") suiteTip.hide(); });
    root.addEventListener("focusin", (event) => { if (event.target.matches(".point:focus-visible")) showTip(event.target); });
    root.addEventListener("focusout", () => suiteTip.hide());
    root.addEventListener("click", (event) => {
      const point = pointOf(event);
      if (!point) return;
      suiteSelection.toggle(point.dataset.point);
      showTip(point);
    });
    root.addEventListener("keydown", (event) => {
      const point = pointOf(event);
      if (!point || event.altKey || event.ctrlKey || event.metaKey) return;
      const place = order.indexOf(point.dataset.point);
      const steps = { ArrowRight: place + 1, ArrowDown: place + 1, ArrowLeft: place - 1, ArrowUp: place - 1, Home: 0, End: order.length - 1 };
      if (event.key in steps) {
        const next = nodes.get(order[Math.max(0, Math.min(order.length - 1, steps[event.key]))]);
        point.setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus();
      } else if (event.key === "Enter" || event.key === " ") suiteSelection.toggle(point.dataset.point);
      else return;
      event.preventDefault();
    });

    /* ---- When to draw again ---- */

    // After the frame that shows the change in the table, which need not wait for the plot.
    let waiting = 0;
    function later() {
      waiting ||= requestAnimationFrame(() => setTimeout(() => {
        waiting = 0;
        draw();
      }));
    }
    const leaderboard = document.querySelector("#x" + scale + " table.leaderboard");
    new MutationObserver(later).observe(leaderboard, { subtree: true, attributeFilter: ["hidden"] });
    new ResizeObserver(() => { if (root.clientWidth !== drawn) later(); }).observe(root);
    draw();
  }

  for (const template of document.querySelectorAll("template[data-plot]")) {
    const still = template.parentElement.querySelector(".chart");
    if (still) still.hidden = true;
    template.after(template.content.firstElementChild);
    const root = template.nextElementSibling;
    mount(root, data.tables.find((table) => String(table.scale) === root.dataset.scale), template.dataset.plot);
  }
})();
