/* The image comparison: one viewer for a pair of pictures; all pictures of a crop are zoomed and moved together. */
(() => {
  const section = document.querySelector("section.gallery .viewer")?.closest("section");
  if (!section) return;

  const LARGEST = 16; // times
  const STEP = 1.25;
  const FLICKER_MS = 500; // two changes a second: one full turn, well below three flashes
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  // Studio-range BT.601 luma of levels; the offset of 16 cancels in differences.
  const LUMA = [65.481 / 255, 128.553 / 255, 24.966 / 255];
  const colours = section.dataset.colours.match(/.{6}/g).map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

  const find = (selector, inside = section) => inside.querySelector(selector);
  const viewer = find(".viewer");
  const [stage, divide, left, right] = ["canvas.stage", ".divide input", "select.left", "select.right"].map((one) => find(one));
  const crops = [...section.querySelectorAll(".crop")].map((element) => ({
    element,
    id: element.dataset.crop,
    width: Number(element.dataset.width),
    height: Number(element.dataset.height),
    top: Number(element.dataset.top),
    // By tile: the picture on the page, its data, and once they are needed its pixels and its error map.
    tiles: new Map([...element.querySelectorAll("img[data-tile]")].map((image) => [image.dataset.tile, { image, source: image.src }])),
  }));

  let crop = crops[0];
  let view = { zoom: 1, x: 0.5, y: 0.5 }; // the point of the crop in the middle, as a share of its sides
  let errors = false;
  let shown = null; // the one picture that flicker shows; null for both sides
  let timer = 0;
  let calls = 0;

  function canvasOf(width, height) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    return [canvas, canvas.getContext("2d", { willReadFrequently: true })];
  }

  async function decode(one, tile) {
    if (tile.canvas) return;
    const picture = new Image(); // that on the page may show the error map
    picture.src = tile.source;
    await picture.decode();
    const [canvas, context] = canvasOf(one.width, one.height);
    context.drawImage(picture, 0, 0);
    tile.levels = context.getImageData(0, 0, one.width, one.height).data;
    tile.canvas = canvas;
  }

  async function addErrors(one) {
    await Promise.all([...one.tiles.values()].map((tile) => decode(one, tile)));
    const hr = one.tiles.get("hr").levels;
    for (const tile of one.tiles.values()) {
      if (tile.errors) continue;
      const [canvas, context] = canvasOf(one.width, one.height);
      context.putImageData(errorMap(tile.levels, hr, one), 0, 0);
      tile.errors = canvas;
      tile.errorSource = canvas.toDataURL("image/png");
    }
  }

  function errorMap(levels, hr, one) {
    const map = new ImageData(one.width, one.height);
    for (let at = 0; at < levels.length; at += 4) {
      const error = Math.abs(LUMA.reduce((sum, weight, channel) => sum + weight * (levels[at + channel] - hr[at + channel]), 0));
      map.data.set(colours[Math.round(Math.min(error / one.top, 1) * 255)], at);
      map.data[at + 3] = 255;
    }
    return map;
  }

  const named = (select) => select.selectedOptions[0]?.textContent ?? "";

  function draw() {
    for (const select of [left, right]) select.parentElement.classList.toggle("shown", shown === select);
    const needed = [left, right].map((select) => crop.tiles.get(select.value));
    if (!stage.clientWidth || needed.some((tile) => !tile?.canvas || (errors && !tile.errors))) return;
    const density = devicePixelRatio || 1;
    stage.width = Math.round(stage.clientWidth * density);
    stage.height = Math.round((stage.clientWidth * density * crop.height) / crop.width);
    const context = stage.getContext("2d");
    context.imageSmoothingEnabled = false;
    const scale = (stage.width / crop.width) * view.zoom;
    const [x, y] = [stage.width / 2 - view.x * crop.width * scale, stage.height / 2 - view.y * crop.height * scale];
    const paint = (id) => {
      const tile = crop.tiles.get(id);
      context.drawImage(errors ? tile.errors : tile.canvas, x, y, crop.width * scale, crop.height * scale);
    };
    if (shown) {
      paint(shown.value);
      stage.setAttribute("aria-label", named(shown));
      return;
    }
    const edge = Math.round((stage.width * divide.value) / 100);
    paint(left.value);
    context.save();
    context.beginPath();
    context.rect(edge, 0, stage.width - edge, stage.height);
    context.clip();
    paint(right.value);
    context.restore();
    if (edge > 0 && edge < stage.width) {
      context.fillStyle = "#fff";
      context.fillRect(edge - density, 0, 2 * density, stage.height);
      context.fillStyle = "#000";
      context.fillRect(edge + density, 0, density, stage.height);
    }
    stage.setAttribute("aria-label", `Left of ${divide.value} %: ${named(left)}; right: ${named(right)}`);
  }

  function place() {
    const half = 0.5 / view.zoom;
    for (const axis of ["x", "y"]) view[axis] = Math.min(1 - half, Math.max(half, view[axis]));
    for (const { image } of crop.tiles.values()) {
      const shift = ["x", "y"].map((axis) => `${((0.5 - view[axis] * view.zoom) * 100).toFixed(3)}%`);
      image.style.transform = view.zoom === 1 ? "" : `translate(${shift}) scale(${view.zoom})`;
    }
    section.classList.toggle("zoomed", view.zoom > 1);
    find("output.zoom").textContent = `${view.zoom.toFixed(1).replace(".0", "")}\u00d7`;
    draw();
  }

  /* Zoom so that the point at (u, v) of the frame, as a share of its sides, stays where it is. */
  function zoomTo(zoom, u = 0.5, v = 0.5) {
    const now = Math.min(LARGEST, Math.max(1, zoom < 1.02 ? 1 : zoom));
    view.x += (u - 0.5) * (1 / view.zoom - 1 / now);
    view.y += (v - 0.5) * (1 / view.zoom - 1 / now);
    view.zoom = now;
    place();
    remember();
  }

  function move(across, down) {
    view.x += across / view.zoom;
    view.y += down / view.zoom;
    place();
    remember();
  }

  function reset() {
    view = { zoom: 1, x: 0.5, y: 0.5 };
    place();
    remember();
  }

  /* Decode what the view needs, then show it. */
  async function show() {
    const one = crop;
    const call = (calls += 1);
    viewer.classList.remove("ready");
    find("[data-do=errors]").setAttribute("aria-pressed", String(errors));
    find(".scale").hidden = !errors;
    find(".scale .range").textContent = `0 to ${one.top} levels of luma; ${one.top} and more have the last colour.`;
    if (errors) await addErrors(one);
    else await Promise.all([left, right].map((select) => decode(one, one.tiles.get(select.value))));
    if (call !== calls) return; // something else was chosen meanwhile
    for (const tile of one.tiles.values()) {
      const source = errors ? tile.errorSource : tile.source;
      if (source && tile.image.src !== source) tile.image.src = source;
    }
    place();
    viewer.classList.add("ready");
  }

  function flicker(on) {
    clearInterval(timer);
    shown = on ? left : null;
    const button = find("[data-do=flicker]");
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on && still.matches ? `Shown: ${named(left)}` : "Flicker";
    viewer.classList.toggle("flickering", on);
    if (on && !still.matches) timer = setInterval(turn, FLICKER_MS);
    draw();
  }

  function turn() {
    shown = shown === left ? right : left;
    draw();
  }

  /* Where motion is unwelcome each press shows the next: left, right, both. */
  function pressFlicker() {
    if (!still.matches) flicker(!shown);
    else if (!shown) flicker(true);
    else if (shown === left) {
      turn();
      find("[data-do=flicker]").textContent = `Shown: ${named(right)}`;
    } else flicker(false);
  }

  /* State in the address: crop, pair, division, error map, zoom. The defaults are left out. */

  const rounded = (number) => String(Math.round(number * 1000) / 1000);

  function remember() {
    const [first, second] = usualPair();
    suiteState.set("img", crop === crops[0] ? null : crop.id);
    suiteState.set("img-left", left.value === first ? null : left.value);
    suiteState.set("img-right", right.value === second ? null : right.value);
    suiteState.set("img-at", divide.value === "50" ? null : divide.value);
    suiteState.set("img-map", errors ? "1" : null);
    suiteState.set("img-zoom", view.zoom === 1 ? null : [view.zoom, view.x, view.y].map(rounded).join(","));
  }

  function recall() {
    const wanted = crops.find((one) => one.id === suiteState.get("img")) ?? crops[0];
    const numbers = (suiteState.get("img-zoom") ?? "").split(",").map(Number);
    const good = numbers.length === 3 && numbers.every(Number.isFinite) && numbers[0] >= 1;
    view = good ? { zoom: Math.min(LARGEST, numbers[0]), x: numbers[1], y: numbers[2] } : { zoom: 1, x: 0.5, y: 0.5 };
    const at = Number(suiteState.get("img-at") ?? 50);
    divide.value = String(at >= 0 && at <= 100 ? at : 50);
    errors = suiteState.get("img-map") === "1";
    choose(wanted, suiteState.get("img-left"), suiteState.get("img-right"));
  }

  /* Bicubic on the left, the best network of the crop on the right. */
  function usualPair() {
    const ids = [...crop.tiles.keys()];
    return [ids[1] ?? ids[0], ids[2] ?? ids.at(-1)];
  }

  function choose(one, first, second) {
    crop = one;
    for (const other of crops) other.element.classList.toggle("chosen", other === one);
    for (const button of find(".picks").children) {
      button.setAttribute("aria-pressed", String(button.dataset.crop === one.id));
    }
    const [usualFirst, usualSecond] = usualPair();
    for (const [select, id, usual] of [[left, first, usualFirst], [right, second, usualSecond]]) {
      select.replaceChildren(...[...one.tiles].map(([id, tile]) => new Option(tile.image.alt, id)));
      select.value = one.tiles.has(id) ? id : usual;
    }
    if (shown) flicker(false);
    show();
  }

  function listen() {
    for (const one of crops) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.crop = one.id;
      button.textContent = one.element.dataset.title;
      button.addEventListener("click", () => {
        choose(one, left.value, right.value);
        remember();
      });
      find(".picks").append(button);
    }
    for (const select of [left, right]) {
      select.addEventListener("change", () => {
        if (shown) flicker(false);
        show();
        remember();
      });
    }
    divide.addEventListener("input", () => {
      if (shown) flicker(false);
      draw();
      remember();
    });
    const actions = {
      in: () => zoomTo(view.zoom * STEP),
      out: () => zoomTo(view.zoom / STEP),
      reset,
      flicker: pressFlicker,
      errors: () => {
        errors = !errors;
        show();
        remember();
      },
    };
    for (const [name, action] of Object.entries(actions)) find(`[data-do=${name}]`).addEventListener("click", action);
    const keys = {
      "+": actions.in, "=": actions.in, "-": actions.out, "0": reset,
      ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1),
    };
    stage.addEventListener("keydown", (event) => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    for (const frame of [stage, ...section.querySelectorAll(".frame")]) followPointers(frame);
    new ResizeObserver(draw).observe(stage.parentElement);
    for (const key of ["img", "img-left", "img-right", "img-at", "img-map", "img-zoom"]) suiteState.on(key, recall);
  }

  /* Dragging moves (on the stage, unless zoomed, the division), two fingers zoom; the wheel zooms on the stage, over the small pictures with Ctrl alone. */
  function followPointers(frame) {
    const held = new Map();
    const share = (event) => {
      const box = frame.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    const spread = () => {
      const [[a, b], [c, d]] = [...held.values()];
      return Math.hypot(a - c, b - d);
    };
    // With nothing to move there is the division to drag.
    const divideAt = (event) => {
      if (frame !== stage || view.zoom > 1 || shown) return false;
      divide.value = String(Math.round(share(event)[0] * 100));
      draw();
      remember();
      return true;
    };
    frame.addEventListener("wheel", (event) => {
      if (frame !== stage && !event.ctrlKey) return;
      event.preventDefault();
      zoomTo(view.zoom * STEP ** Math.max(-2, Math.min(2, -event.deltaY / 60)), ...share(event));
    }, { passive: false });
    frame.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      held.set(event.pointerId, share(event));
      frame.setPointerCapture(event.pointerId);
      if (held.size === 1) divideAt(event);
    });
    frame.addEventListener("pointermove", (event) => {
      if (!held.has(event.pointerId)) return;
      const before = held.get(event.pointerId);
      const distance = held.size === 2 ? spread() : 0;
      const now = share(event);
      held.set(event.pointerId, now);
      if (held.size === 1 && !divideAt(event)) move(before[0] - now[0], before[1] - now[1]);
      else if (held.size === 2 && distance > 0) {
        const [[a, b], [c, d]] = [...held.values()];
        zoomTo((view.zoom * spread()) / distance, (a + c) / 2, (b + d) / 2);
      }
    });
    for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, (event) => held.delete(event.pointerId));
    frame.addEventListener("dragstart", (event) => event.preventDefault());
  }

  viewer.hidden = false;
  section.classList.add("live");
  listen();
  // Nothing is decoded before the comparison comes near: the page opens no later for it.
  const near = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    recall();
  }, { rootMargin: "400px" });
  near.observe(section);
})();
