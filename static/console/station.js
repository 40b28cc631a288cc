"use strict";
(() => {
  const { labels, show, text, set, make, badge, toggle, list, tone, watch, has } = window.csms;
  const { words } = labels;
  const adminBase = window.location.pathname.replace(/stations\/\d+\/$/, "");

  const facts = (station) => {
    const values = {
      ...station,
      vendor_model: [station.vendor, station.model].filter(has).join(" · "),
      last_seen_at: show.moment(station.last_seen_at),
      connected_at: station.online ? show.moment(station.connected_at) : "",
      booted_at: show.moment(station.booted_at),
    };
    for (const node of document.querySelectorAll("[data-fact]")) text(node, values[node.dataset.fact] || "–");
    const online = document.getElementById("online");
    set(online, "data-tone", station.archived ? "off" : station.online ? "good" : "bad");
    text(online, station.archived ? words.archived : station.online ? words.online : words.offline);
    text(document.getElementById("identity-line"), [station.version, station.address].filter(has).join(" · "));
  };

  const connectorCard = () =>
    make(
      "article",
      "cs-plug",
      make("header", "", make("b"), make("span", "cs-badge")),
      make("p", "cs-muted"),
      make("p", "cs-error"),
      make("a", "cs-plug-session", make("span"), make("span", "cs-plug-numbers")),
      make("button", "cs-link"),
    );
  const updateConnector = (card, plug) => {
    const [head, info, error, session, button] = card.children;
    set(card, "data-tone", tone(plug.status));
    text(head.firstChild, `${plug.evse}${plug.connector > 1 ? `.${plug.connector}` : ""} · ${plug.type}`);
    badge(head.lastChild, plug.status, show.state(plug.status));
    const power = plug.max_power_w ? `${show.number(plug.max_power_w / 1000)} kW · ` : "";
    text(info, `${power}${plug.code} · ${show.moment(plug.status_at)}`);
    text(error, plug.error);
    toggle(error, has(plug.error));
    toggle(session, plug.session !== null);
    const canCommand = document.getElementById("command-dialog") !== null;
    toggle(button, canCommand);
    button.type = "button";
    button.dataset.evse = plug.evse;
    if (plug.session) {
      session.href = `${adminBase}sessions/${plug.session.id}/`;
      text(session.firstChild, `#${plug.session.number} · ${plug.session.id_token} · ${show.duration(plug.session.started_at)}`);
      const soc = plug.session.soc === null ? "" : ` · ${show.number(plug.session.soc)} %`;
      text(session.lastChild, `${show.kw(plug.session.power_w)} kW · ${show.kwh(plug.session.energy_wh, 2)} kWh${soc}`);
      button.dataset.openCommand = "stop_charging";
      button.dataset.transaction = plug.session.transaction_id;
    } else {
      button.dataset.openCommand = "start_charging";
      delete button.dataset.transaction;
    }
    const option = document.querySelector(`#command-name option[value="${button.dataset.openCommand}"]`);
    text(button, option ? option.textContent : "");
  };

  const frameRow = () =>
    make(
      "li",
      "",
      make(
        "details",
        "",
        make(
          "summary",
          "",
          make("span", "cs-arrow"),
          make("time"),
          make("b"),
          make("span", "cs-muted cs-ellipsis"),
          make("span", "cs-badge"),
        ),
        make("pre"),
        make("pre"),
      ),
    );
  const updateFrame = (row, frame) => {
    const [summary, call, answer] = row.firstChild.children;
    const [arrow, time, action, id, result] = summary.children;
    text(arrow, frame.direction === "IN" ? "↑" : "↓");
    set(arrow, "title", frame.direction === "IN" ? words.in : words.out);
    set(arrow, "data-direction", frame.direction);
    text(time, show.time(frame.at));
    text(action, frame.action || frame.type);
    text(id, frame.message_id);
    const bad = frame.type === "MALFORMED" || frame.type === "CALLERROR" || frame.answer?.type === "CALLERROR";
    const latency = frame.answer?.latency_ms ?? frame.latency_ms;
    set(result, "data-tone", bad ? "bad" : frame.answer ? "good" : "off");
    text(result, bad ? frame.answer?.type || frame.type : has(latency) ? `${latency} ms` : frame.answer ? "✓" : frame.type === "CALL" ? words.no_answer : frame.type);
    text(call, frame.payload);
    text(answer, frame.answer ? frame.answer.payload : "");
    toggle(answer, frame.answer !== null);
  };

  const names = Object.fromEntries([...document.querySelectorAll("#command-name option")].map((o) => [o.value, o.textContent]));
  const commandRow = () =>
    make(
      "li",
      "",
      make(
        "details",
        "",
        make("summary", "", make("b"), make("span", "cs-badge"), make("small", "cs-muted")),
        make("p", "cs-error"),
        make("pre"),
        make("pre"),
      ),
    );
  const updateCommand = (row, command) => {
    const [summary, error, parameters, response] = row.firstChild.children;
    text(summary.children[0], names[command.name] || command.name);
    const late = command.late ? ` (${words.late})` : "";
    badge(summary.children[1], command.status, show.command(command.status) + late);
    const latency = has(command.latency_ms) ? ` · ${command.latency_ms} ms` : "";
    const reason = command.reason ? ` · “${command.reason}”` : "";
    text(summary.children[2], `${show.moment(command.requested_at)} · ${command.by}${latency}${reason}`);
    text(error, command.error);
    toggle(error, has(command.error));
    text(parameters, command.parameters);
    toggle(parameters, has(command.parameters));
    text(response, command.response);
    toggle(response, has(command.response));
  };

  const anomalyRow = () => make("li", "", make("b"), make("small", "cs-muted"));
  const updateAnomaly = (row, anomaly) => {
    text(row.firstChild, `${anomaly.kind} · ${show.number(anomaly.count)} ${words.times}`);
    text(row.lastChild, [show.moment(anomaly.at), anomaly.detail].filter(has).join(" · "));
  };

  // --- the dialog ---------------------------------------------------------------------------
  const dialog = document.getElementById("command-dialog");
  let sent = null; // { form, id }
  const choice = document.getElementById("command-name");
  const key = () => (crypto.randomUUID ? crypto.randomUUID() : String(Date.now()) + Math.random());
  const fill = (form, name, value) => {
    const field = form.elements[`${form.dataset.command}-${name}`];
    if (field && value !== undefined) field.value = value;
  };
  const select = (name) => {
    choice.value = name;
    for (const form of dialog.querySelectorAll("form")) {
      form.hidden = form.dataset.command !== name;
      form.dataset.key = key();
      text(form.querySelector(".cs-result"), "");
      form.querySelector("[type=submit]").disabled = false;
      for (const error of form.querySelectorAll(".cs-error")) error.hidden = true;
    }
    sent = null;
    return dialog.querySelector(`form[data-command="${name}"]`);
  };
  const open = (button) => {
    const form = select(button.dataset.openCommand || choice.value);
    fill(form, "evse_id", button.dataset.evse);
    fill(form, "transaction_id", button.dataset.transaction);
    dialog.showModal();
  };
  const showErrors = (form, errors) => {
    for (const [name, problems] of Object.entries(errors)) {
      const place = name === "__all__"
        ? form.querySelector("[data-form-error]")
        : form.querySelector(`[data-field="${name}"] .cs-error`);
      if (place) {
        text(place, problems.map((problem) => problem.message).join(" "));
        place.hidden = false;
      }
    }
  };
  const submit = async (event) => {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("[type=submit]");
    for (const error of form.querySelectorAll(".cs-error")) error.hidden = true;
    button.disabled = true;
    const body = new FormData(form);
    body.set("idempotency_key", form.dataset.key);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      const result = await answer.json();
      if (answer.ok) {
        sent = { form, id: result.id };
        showResult({ status: result.status });
        return;
      }
      showErrors(form, result.errors || {});
    } catch {
      showErrors(form, { __all__: [{ message: words.send_failed }] });
    }
    button.disabled = false;
  };
  const showResult = (command) => {
    const place = sent.form.querySelector(".cs-result");
    badge(place, command.status, show.command(command.status));
    if (command.error) text(place, `${show.command(command.status)}: ${command.error}`);
  };
  if (dialog) {
    choice.addEventListener("change", () => select(choice.value));
    dialog.addEventListener("submit", submit);
    document.addEventListener("click", (event) => {
      const opener = event.target.closest("[data-open-command]");
      if (opener) open(opener);
      else if (event.target.closest("[data-close]") || event.target === dialog) dialog.close();
    });
  }

  watch((state) => {
    facts(state.station);
    list(document.getElementById("connectors"), state.connectors, (c) => c.id, connectorCard, updateConnector);
    toggle(document.getElementById("no-connectors"), state.connectors.length === 0);
    list(document.getElementById("frames"), state.frames, (f) => f.id, frameRow, updateFrame);
    list(document.getElementById("commands"), state.commands, (c) => c.id, commandRow, updateCommand);
    list(document.getElementById("anomalies"), state.anomalies, (a) => a.kind, anomalyRow, updateAnomaly);
    toggle(document.getElementById("anomalies-card"), state.anomalies.length > 0);
    const mine = sent && state.commands.find((command) => command.id === sent.id);
    if (mine) showResult(mine);
  });
})();
