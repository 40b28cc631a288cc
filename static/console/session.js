"use strict";
(() => {
  const { labels, show, text, set, make, badge, toggle, list, watch, has } = window.csms;
  const { words } = labels;
  const value = (name, content) => {
    for (const node of document.querySelectorAll(`[data-value="${name}"]`)) text(node, content);
  };

  const numbers = (session, curve) => {
    badge(document.getElementById("state"), session.state, show.state(session.state));
    value("energy", show.kwh(session.energy_wh, 3));
    value("duration", show.duration(session.started_at, session.ended_at));
    const average = has(session.started_at) && has(session.ended_at)
      ? (session.energy_wh * 3600000) / Math.max(1, new Date(session.ended_at) - new Date(session.started_at))
      : null;
    value("power", show.kw(session.is_open ? session.power_w : average));
    value("soc", has(session.soc) ? show.number(session.soc) : "–");
    value("total", show.money(session.total));
    value("total_note", session.total === null ? words.not_priced : "");
    value("net", show.money(session.net));
    value("tax", show.money(session.tax));
    value("gross", show.money(session.total));
    toggle(document.getElementById("totals"), session.total !== null);
    text(document.getElementById("tariff"), session.tariff);
    const facts = {
      ...session,
      started_at: show.moment(session.started_at),
      ended_at: session.is_open ? words.running : show.moment(session.ended_at),
      charging_ended_at: show.moment(session.charging_ended_at),
      meter_start_wh: show.number(session.meter_start_wh),
      meter_stop_wh: show.number(session.meter_stop_wh),
    };
    for (const node of document.querySelectorAll("[data-fact]")) text(node, facts[node.dataset.fact] || "–");
    toggle(document.getElementById("no-curve"), curve.length === 0);
  };

  const lineHeads = [...document.querySelectorAll("#lines thead th")].map((th) => th.textContent);
  const lineRow = () => {
    const cells = lineHeads.map((head, i) => {
      const cell = make("td", i > 1 ? "cs-num" : i === 0 ? "cs-main" : "");
      if (i > 0) cell.dataset.label = head;
      return cell;
    });
    return make("tr", "", ...cells);
  };
  const updateLine = (row, line) => {
    const cells = row.children;
    text(cells[0], [labels.lines[line.kind] || line.kind, line.name].filter(has).join(" · "));
    text(cells[1], `${show.moment(line.starts_at)} – ${show.moment(line.ends_at)}`);
    const digits = line.unit === "kWh" ? 3 : 0;
    const amount = Number(line.quantity);
    text(cells[2], `${show.number(amount, Number.isInteger(amount) && digits === 0 ? 0 : digits || 2)} ${{ min: words.minutes, session: "" }[line.unit] ?? line.unit}`);
    text(cells[3], show.number(Number(line.unit_price), 2));
    text(cells[4], show.money(line.net));
    text(cells[5], show.money(line.tax));
    text(cells[6], show.money(line.gross));
  };

  const eventRow = () => make("li", "", make("time"), make("b"), make("pre"));
  const updateEvent = (row, event) => {
    text(row.children[0], show.moment(event.at));
    text(row.children[1], event.kind);
    text(row.children[2], event.detail);
    toggle(row.children[2], has(event.detail));
  };
  const review = document.getElementById("review");
  const reviewRow = (item) => {
    const link = make("a");
    link.href = `${review.dataset.url}${item.id}/change/`;
    return make("li", "", link, make("span", "cs-badge"), make("small", "cs-muted"));
  };
  const updateReview = (row, item) => {
    text(row.children[0], labels.review[item.kind] || item.kind);
    set(row.children[1], "data-tone", item.resolved_at ? "good" : "wait");
    text(row.children[1], item.resolved_at ? words.resolved : words.open);
    text(row.children[2], [show.moment(item.at), item.resolution || item.detail].filter(has).join(" · "));
  };

  let drawn = "";
  const curve = (points) => {
    const container = document.getElementById("curve");
    const key = `${container.clientWidth} ${JSON.stringify(points[points.length - 1] || "")} ${points.length}`;
    if (key === drawn) return;
    drawn = key;
    window.csmsCurve.draw(container, document.getElementById("legend"), points);
  };

  watch((state) => {
    numbers(state.session, state.curve);
    curve(state.curve);
    list(document.querySelector("#lines tbody"), state.lines, (l) => l.id, lineRow, updateLine);
    toggle(document.getElementById("lines"), state.lines.length > 0);
    list(document.getElementById("events"), state.events, (e) => e.id, eventRow, updateEvent);
    list(review, state.review, (r) => r.id, reviewRow, updateReview);
    toggle(document.getElementById("review-card"), state.review.length > 0);
  });
})();
