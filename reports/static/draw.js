/* What plots are drawn with: nodes, axes with round ticks, places for names. The same rules as reports/axes.py
   and reports/labels.py, for the axes that a reader chooses in the page. */
const suiteDraw = (() => {
  // The name space as the parser knows it, so that no address stands in the page.
  const holder = document.createElement("div");
  holder.innerHTML = "<svg>";
  const { namespaceURI } = holder.firstElementChild;

  function node(name, attributes = {}, ...children) {
    const made = document.createElementNS(namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const px = (value) => String(Math.round(value * 10) / 10);
  const path = (corners) => corners.map(([x, y], place) => (place ? "L" : "M") + px(x) + "," + px(y)).join("");

  /* ---- Axes ---- */

  function axis(values, start, end, logarithmic) {
    let low = Math.min(...values);
    let high = Math.max(...values);
    if (logarithmic) {
      const factor = Math.max((high / low) ** 0.12, 1.15);
      low /= factor;
      high *= factor;
    } else {
      const pad = (high - low) * 0.14 || Math.abs(high) * 0.01 || 1;
      low -= pad;
      high += pad;
    }
    const share = logarithmic
      ? (value) => Math.log(value / low) / Math.log(high / low)
      : (value) => (value - low) / (high - low);
    return { low, high, logarithmic, pixel: (value) => start + share(value) * (end - start) };
  }

  const HEADS = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]];
  const plain = (value, least, most) =>
    value.toLocaleString("en-GB", { minimumFractionDigits: least, maximumFractionDigits: most });

  function logValues({ low, high }, wanted) {
    const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
    let inside = [];
    for (const heads of HEADS) {
      inside = [];
      for (let decade = first; decade <= last; decade += 1) {
        for (const head of heads) {
          const value = head * 10 ** decade;
          if (low <= value && value <= high) inside.push(value);
        }
      }
      if (inside.length >= Math.min(wanted, 4)) break;
    }
    return inside;
  }

  function roundStep(step) {
    const power = 10 ** Math.floor(Math.log10(step));
    const far = (head) => Math.abs(Math.log(head * power / step));
    return [1, 2, 5, 10].reduce((best, head) => (far(head) < far(best) ? head : best)) * power;
  }

  /* About as many round values inside an axis as wanted, each with its text. */
  function ticks(one, wanted) {
    const found = one.logarithmic ? logValues(one, wanted) : [];
    if (found.length >= 3) return found.map((value) => [value, plain(value, 0, 6)]);
    const step = roundStep((one.high - one.low) / wanted);
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const made = [];
    for (let n = Math.ceil(one.low / step - 1e-9); n <= Math.floor(one.high / step + 1e-9); n += 1) {
      if (n > 0 || !one.logarithmic) made.push([n * step, plain(n * step, decimals, decimals)]);
    }
    return made;
  }

  /* ---- Names ---- */

  const DISTANCES = [3.5, 10.5, 20, 33, 49, 69]; // from the marker's edge to the name
  const DIRECTIONS = [0, 180, 270, 90, 315, 225, 45, 135].map((degrees) => (degrees * Math.PI) / 180);
  const NO_PLACE = 1000;
  const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

  function* candidates({ x, y, radius }, width, height) {
    for (const distance of DISTANCES) {
      for (const [preference, angle] of DIRECTIONS.entries()) {
        const cx = x + Math.cos(angle) * (radius + distance + width / 2);
        const cy = y + Math.sin(angle) * (radius + distance + height / 2);
        const box = { left: cx - width / 2, top: cy - height / 2, right: cx + width / 2, bottom: cy + height / 2 };
        const near = [Math.min(Math.max(x, box.left), box.right), Math.min(Math.max(y, box.top), box.bottom)];
        const gap = Math.hypot(near[0] - x, near[1] - y);
        const share = (radius + 1) / gap;
        const leader = gap > radius + 8 && [[x + (near[0] - x) * share, y + (near[1] - y) * share], near];
        yield { penalty: distance + preference * 1.5, box, leader };
      }
    }
  }

  /* A place for the name of each point {x, y, radius, width}, or null where there is none left: no name covers
     another name or a point, and rather none of the lines, given as thin boxes. */
  function placeNames(points, area, lines, height = 15) {
    const markers = points.map(({ x, y, radius: r }) => ({ left: x - r, top: y - r, right: x + r, bottom: y + r }));
    const choices = points.map((point, index) => {
      const free = [];
      for (const choice of candidates(point, point.width, height)) {
        const { box } = choice;
        const inside = area.left <= box.left && box.right <= area.right && area.top <= box.top && box.bottom <= area.bottom;
        if (!inside || markers.some((marker, other) => other !== index && overlap(box, marker))) continue;
        choice.penalty += 12 * lines.filter((line) => overlap(box, line)).length;
        free.push(choice);
      }
      return free.sort((a, b) => a.penalty - b.penalty);
    });
    const crowd = points.map((a) => points.reduce((sum, b) => sum + 1 / (20 + Math.hypot(a.x - b.x, a.y - b.y)), 0));
    const across = points.map((_, index) => index).sort((a, b) => points[a].x - points[b].x || points[a].y - points[b].y);
    const crowded = [...across].sort((a, b) => crowd[b] - crowd[a]);
    let best = { total: Infinity };
    for (const order of [crowded, across, [...across].reverse(), [...crowded].reverse()]) {
      const placed = points.map(() => null);
      const taken = [];
      let total = 0;
      for (const index of order) {
        const choice = choices[index].find(({ box }) => !taken.some((other) => overlap(box, other)));
        total += choice ? choice.penalty : NO_PLACE;
        if (!choice) continue;
        placed[index] = choice;
        taken.push(choice.box);
      }
      if (total < best.total) best = { total, placed };
    }
    return best.placed ?? [];
  }

  /* The lines between corners as boxes one pixel to each side. */
  const asBoxes = (corners) => corners.slice(1).map(([c, d], place) => {
    const [a, b] = corners[place];
    return { left: Math.min(a, c) - 1, top: Math.min(b, d) - 1, right: Math.max(a, c) + 1, bottom: Math.max(b, d) + 1 };
  });

  return Object.freeze({ node, px, path, axis, ticks, placeNames, asBoxes });
})();
