// The set-up link carries its code behind the #, which no server and no log gets to see.
"use strict";

(() => {
  const form = document.getElementById("set-up-token");
  const handOver = () => {
    const token = window.location.hash.slice(1);
    if (!form || !token) return;
    window.history.replaceState(null, "", window.location.pathname);
    form.elements.token.value = token;
    form.submit();
  };
  // The link may be opened where this page is open already: then only the part behind the # changes.
  window.addEventListener("hashchange", handOver);
  handOver();
})();
