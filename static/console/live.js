// What every live page shares. Text from chargers goes into textContent and nowhere else.
"use strict";
window.csms = (() => {
  const data = JSON.parse(document.getElementById("cs-data").textContent);
  const { labels, language } = data;
  const locale = language === "th" ? "th-TH-u-ca-gregory" : "en-GB";
  const zone = "Asia/Bangkok";
  const number = (digits) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const formats = { 0: number(0), 1: number(1), 2: number(2), 3: number(3) };
  const clock = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const minute = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(locale, { timeZone: zone, day: "numeric", month: "short", year: "numeric" });
  const short = new Intl.DateTimeFormat(locale, { timeZone: zone, day: "numeric", month: "short" });

  const has = (value) => value !== null && value !== undefined && value !== "";
  const show = {
    number: (value, digits = 0) => (has(value) ? formats[digits].format(value) : "–"),
    kw: (watts) => (has(watts) ? formats[1].format(watts / 1000) : "–"),
    kwh: (wh, digits = 1) => (has(wh) ? formats[digits].format(wh / 1000) : "–"),
    money: (text) => (has(text) ? formats[2].format(Number(text)) : "–"),
    time: (iso) => (has(iso) ? clock.format(new Date(iso)) : "–"),
    minute: (date) => minute.format(date),
    moment: (iso) => {
      if (!has(iso)) return "–";
      const date = new Date(iso);
      const today = day.format(date) === day.format(new Date());
      return today ? clock.format(date) : `${short.format(date)} ${minute.format(date)}`;
    },
    duration: (from, to) => {
      if (!has(from)) return "–";
      const seconds = Math.max(0, Math.round((new Date(to || Date.now()) - new Date(from)) / 1000));
      const hours = Math.floor(seconds / 3600);
      const minutes = Math.floor((seconds % 3600) / 60);
      const { words } = labels;
      if (hours) return `${hours} ${words.hours} ${String(minutes).padStart(2, "0")}`;
      return minutes ? `${minutes} ${words.minutes}` : `${seconds} ${words.seconds}`;
    },
    state: (code) => labels.states[code] || code,
    command: (code) => labels.commands[code] || code,
  };
  const tone = (code) => labels.tones[code] || "off";

  // Touches the page only where something changed, so that a selection or a reader stays put.
  const text = (node, value) => {
    const next = String(value ?? "");
    if (node.textContent !== next) node.textContent = next;
    return node;
  };
  const set = (node, name, value) => {
    if (value === null || value === false) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
    return node;
  };
  const make = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children.filter((child) => child !== null));
    return node;
  };
  const badge = (node, code, label) => text(set(node, "data-tone", tone(code)), label);
  const toggle = (node, isShown) => {
    if (node && node.hidden === isShown) node.hidden = !isShown;
  };

  // Rows by key: kept, moved, made or dropped, never written anew.
  const list = (container, items, keyOf, create, update) => {
    const known = new Map([...container.children].map((child) => [child.dataset.key, child]));
    let cursor = container.firstElementChild;
    for (const item of items) {
      const key = String(keyOf(item));
      let node = known.get(key);
      if (!node) {
        node = create(item);
        node.dataset.key = key;
      }
      known.delete(key);
      if (node === cursor) cursor = cursor.nextElementSibling;
      else container.insertBefore(node, cursor);
      update(node, item);
    }
    for (const node of known.values()) node.remove();
    toggle(container.closest(".cs-card")?.querySelector(":scope > .cs-empty"), items.length === 0);
  };

  const connection = document.getElementById("cs-connection");
  const say = (state) => {
    set(connection, "data-state", state);
    text(connection.lastElementChild, labels.words[state]);
    document.getElementById("cs").classList.toggle("cs-stale", state === "lost" || state === "signed_out");
  };

  const watch = (render) => {
    let wait = 1000;
    let last = data.state;
    const draw = () => render(last);
    draw();
    setInterval(draw, 1000); // durations move between two states
    const isSignedOut = async () => {
      try {
        const answer = await fetch(window.location.pathname, { method: "HEAD", redirect: "manual" });
        return answer.type === "opaqueredirect";
      } catch {
        return false;
      }
    };
    const open = () => {
      const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
      const socket = new WebSocket(`${scheme}//${window.location.host}${data.feed}`);
      socket.onopen = () => {
        wait = 1000;
        say("live");
      };
      socket.onmessage = (event) => {
        last = JSON.parse(event.data);
        draw();
      };
      socket.onclose = async (event) => {
        if (event.code === 4401 || (await isSignedOut())) {
          say("signed_out");
          return;
        }
        say("lost");
        setTimeout(open, wait);
        wait = Math.min(wait * 2, 10000);
      };
    };
    say("connecting");
    open();
  };

  return { data, labels, show, tone, text, set, make, badge, toggle, list, watch, has };
})();
