// A session's curve as SVG: power (area), energy and state of charge (lines) over time.
"use strict";
window.csmsCurve = (() => {
  const { show, labels, has } = window.csms;
  const NS = "http://www.w3.org/2000/svg";
  const box = { left: 46, right: 46, top: 12, bottom: 26, height: 260 };
  const series = [
    { index: 1, name: "power", unit: "kW", scale: 1000, axis: "left", className: "power" },
    { index: 2, name: "energy", unit: "kWh", scale: 1000, axis: "right", className: "energy" },
    { index: 3, name: "soc", unit: "%", scale: 1, axis: "soc", className: "soc" },
  ];
  const node = (tag, attributes, content) => {
    const element = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (content !== undefined) element.textContent = content;
    return element;
  };
  const nice = (value) => {
    if (!(value > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value);
  };
  // The server says where nothing is known of the time before a point: no line over a gap.
  const stretches = (points, index) => {
    const parts = [];
    let isBroken = true;
    for (const point of points) {
      isBroken = isBroken || point[4];
      if (!has(point[index])) continue;
      if (isBroken) parts.push([]);
      parts[parts.length - 1].push(point);
      isBroken = false;
    }
    return parts;
  };

  const draw = (container, legend, points) => {
    container.replaceChildren();
    legend.replaceChildren();
    if (!points.length) return;
    const width = Math.max(container.clientWidth, 280);
    const { left, right, top, bottom, height } = box;
    const from = points[0][0];
    const to = Math.max(points[points.length - 1][0], from + 60);
    const x = (time) => left + ((time - from) / (to - from)) * (width - left - right);
    const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
    const top_of = (s) => (s.axis === "soc" ? 100 : nice(Math.max(...points.map((p) => (p[s.index] || 0) / s.scale))));

    for (let step = 0; step <= 4; step += 1) {
      const y = top + ((height - top - bottom) * step) / 4;
      svg.append(node("line", { x1: left, x2: width - right, y1: y, y2: y, class: "grid" }));
    }
    const ticks = Math.max(2, Math.min(8, Math.floor(width / 110)));
    for (let tick = 0; tick <= ticks; tick += 1) {
      const time = from + ((to - from) * tick) / ticks;
      const anchor = tick === 0 ? "start" : tick === ticks ? "end" : "middle";
      svg.append(node("text", { x: x(time), y: height - 8, "text-anchor": anchor, class: "tick" }, show.minute(new Date(time * 1000))));
    }
    const shown = series.filter((s) => points.some((p) => has(p[s.index])));
    for (const s of shown) {
      const highest = top_of(s);
      const y = (value) => top + (1 - value / s.scale / highest) * (height - top - bottom);
      for (let step = 0; step <= 4 && s.axis !== "soc"; step += 1) {
        const value = (highest * (4 - step)) / 4;
        const at = top + ((height - top - bottom) * step) / 4 + 3;
        const digits = highest < 1 ? 2 : highest % 4 === 0 || highest === 100 ? 0 : 1;
        const place = s.axis === "left" ? { x: left - 8, "text-anchor": "end" } : { x: width - right + 8, "text-anchor": "start" };
        svg.append(node("text", { ...place, y: at, class: `tick ${s.className}` }, show.number(value, digits)));
      }
      for (const part of stretches(points, s.index)) {
        const line = part.map((p, i) => `${i ? "L" : "M"}${x(p[0]).toFixed(1)} ${y(p[s.index]).toFixed(1)}`).join("");
        if (s.name === "power") {
          const floor = height - bottom;
          svg.append(node("path", { d: `${line}L${x(part[part.length - 1][0]).toFixed(1)} ${floor}L${x(part[0][0]).toFixed(1)} ${floor}Z`, class: "area" }));
        }
        if (part.length === 1) svg.append(node("circle", { cx: x(part[0][0]), cy: y(part[0][s.index]), r: 2, class: `dot ${s.className}` }));
        svg.append(node("path", { d: line, class: `line ${s.className}` }));
      }
    }

    const cursor = node("line", { y1: top, y2: height - bottom, class: "cursor", visibility: "hidden" });
    svg.append(cursor);
    const values = new Map();
    for (const s of shown) {
      const item = document.createElement("span");
      item.className = `cs-legend-item ${s.className}`;
      const value = document.createElement("b");
      item.append(labels.words[s.name], " ", value);
      legend.append(item);
      values.set(s, value);
    }
    const tell = (point) => {
      for (const [s, place] of values) {
        const value = point[s.index];
        place.textContent = has(value) ? `${show.number(value / s.scale, s.name === "soc" ? 0 : 2)} ${s.unit}` : "–";
      }
    };
    tell(points[points.length - 1]);
    svg.addEventListener("pointermove", (event) => {
      const at = from + ((event.offsetX - left) / (width - left - right)) * (to - from);
      const nearest = points.reduce((best, p) => (Math.abs(p[0] - at) < Math.abs(best[0] - at) ? p : best));
      cursor.setAttribute("x1", x(nearest[0]));
      cursor.setAttribute("x2", x(nearest[0]));
      cursor.setAttribute("visibility", "visible");
      tell(nearest);
    });
    svg.addEventListener("pointerleave", () => {
      cursor.setAttribute("visibility", "hidden");
      tell(points[points.length - 1]);
    });
    container.append(svg);
  };
  return { draw };
})();
