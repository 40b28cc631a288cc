"use strict";
(() => {
  const { labels, show, text, set, make, badge, toggle, list, tone, watch } = window.csms;
  const formats = {
    kw: show.kw,
    kwh: (wh) => show.kwh(wh, wh < 100000 ? 1 : 0),
    money: show.money,
  };
  const base = window.location.pathname;

  const tiles = (values) => {
    for (const node of document.querySelectorAll("[data-tile]")) {
      const value = values[node.dataset.tile];
      text(node, (formats[node.dataset.format] || ((n) => show.number(n)))(value));
      const quiet = node.closest("[data-quiet-zero]");
      if (quiet) set(quiet, "data-tone", value ? "bad" : "off");
    }
    for (const bar of document.querySelectorAll("[data-meter]")) {
      const whole = values[bar.dataset.of];
      bar.style.width = whole ? `${(100 * values[bar.dataset.meter]) / whole}%` : "0";
    }
    toggle(document.getElementById("review-note"), values.review > 0);
  };

  const cell = (className, label) => {
    const node = make("td", className);
    if (label) node.dataset.label = label;
    return node;
  };
  const heads = [...document.querySelectorAll("#sessions th")].map((th) => th.textContent);
  const sessionRow = (session) => {
    const link = make("a");
    link.href = `${base}sessions/${session.id}/`;
    return make(
      "tr",
      "",
      make("td", "cs-main", link, make("span", "cs-token")),
      make("td", "cs-place", make("span"), make("small", "cs-muted")),
      make("td", "cs-statecell", make("span", "cs-badge")),
      cell("cs-num", heads[3]),
      cell("cs-num", heads[4]),
      cell("cs-num", heads[5]),
      cell("cs-num", heads[6]),
      cell("cs-num", heads[7]),
    );
  };
  const updateSession = (row, session) => {
    const cells = row.children;
    text(cells[0].firstChild, `#${session.number}`);
    text(cells[0].lastChild, session.id_token);
    text(cells[1].firstChild, `${session.station} · ${session.evse}`);
    text(cells[1].lastChild, session.site);
    badge(cells[2].firstChild, session.state, show.state(session.state));
    text(cells[3], show.duration(session.started_at, session.ended_at));
    text(cells[4], show.kwh(session.energy_wh, 2));
    text(cells[5], session.ended_at ? "" : show.kw(session.power_w));
    text(cells[6], session.soc === null ? "" : `${show.number(session.soc)} %`);
    text(cells[7], session.total === null ? "" : show.money(session.total));
  };

  const alerts = document.getElementById("alerts");
  const alertRow = (alert) => {
    const link = make("a");
    link.href = `${alerts.dataset.base}${alert.id}/change/`;
    return make("li", "", make("span", "cs-badge"), make("div", "cs-alert", link, make("small", "cs-muted")), make("time"));
  };
  const updateAlert = (row, alert) => {
    const { words } = labels;
    badge(row.children[0], alert.severity, labels.severities[alert.severity] || alert.severity);
    text(row.children[1].firstChild, `${alert.station} · ${labels.alerts[alert.kind] || alert.kind}`);
    const times = alert.count > 1 ? `${show.number(alert.count)} ${words.times}` : "";
    text(row.children[1].lastChild, [words[alert.state], times, alert.detail].filter(Boolean).join(" · "));
    text(set(row.children[2], "datetime", alert.last_at), show.moment(alert.last_at));
  };

  const stationRow = (station) => {
    const link = make("a", "cs-station-name");
    link.href = `${base}stations/${station.id}/`;
    return make(
      "li",
      "",
      make("i", "cs-dot"),
      make("div", "cs-station", link, make("small", "cs-muted")),
      make("div", "cs-chips"),
    );
  };
  const updateStation = (row, station) => {
    const worst = station.connectors.some((plug) => plug.status === "Faulted") || station.status === "Faulted";
    set(row.children[0], "data-tone", !station.online ? "off" : worst ? "bad" : "good");
    set(row.children[0], "title", station.online ? labels.words.online : labels.words.offline);
    set(row, "data-offline", station.online ? null : "");
    text(row.children[1].firstChild, station.identity);
    text(row.children[1].lastChild, station.online ? station.site : `${labels.words.offline} · ${station.site}`);
    list(
      row.children[2],
      station.connectors,
      (plug) => plug.id,
      () => make("span", "cs-chip", make("b"), make("span")),
      (chip, plug) => {
        set(chip, "data-tone", station.online ? tone(plug.status) : "off");
        set(chip, "title", plug.type);
        text(chip.firstChild, plug.label);
        const power = plug.power_w ? `${show.kw(plug.power_w)} kW` : show.state(plug.status);
        text(chip.lastChild, power);
      },
    );
  };

  watch((state) => {
    tiles(state.tiles);
    list(alerts, state.alerts, (a) => a.id, alertRow, updateAlert);
    toggle(document.getElementById("alerts-card"), state.alerts.length > 0);
    list(document.querySelector("#sessions tbody"), state.sessions, (s) => s.id, sessionRow, updateSession);
    toggle(document.getElementById("sessions"), state.sessions.length > 0);
    list(document.getElementById("stations"), state.stations, (s) => s.id, stationRow, updateStation);
  });
})();
