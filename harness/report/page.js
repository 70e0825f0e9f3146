"use strict";
(function () {
  var root = document.documentElement;

  // The theme: what the system prefers, until somebody chooses otherwise.
  var stored = null;
  try { stored = localStorage.getItem("capsize-theme"); } catch (e) { stored = null; }
  if (stored === "light" || stored === "dark") root.dataset.theme = stored;
  var theme = document.createElement("button");
  theme.textContent = "◐ theme";
  theme.addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("capsize-theme", root.dataset.theme); } catch (e) { return; }
  });
  document.querySelector(".brand").append(theme);

  // Commands can be copied where the browser allows it.
  document.querySelectorAll(".command code").forEach(function (code) {
    if (!navigator.clipboard) return;
    var copy = document.createElement("button");
    copy.textContent = "copy";
    copy.addEventListener("click", function () {
      navigator.clipboard.writeText(code.textContent).then(function () { copy.textContent = "copied"; });
    });
    code.after(copy);
  });

  // An anchor inside closed details opens them; one that is not here says where to look.
  function follow() {
    var id = decodeURIComponent(location.hash.slice(1)).replace("=", "-");
    if (!id) return;
    var at = document.getElementById(id);
    if (!at) {
      var readout = document.getElementById("readout");
      if (readout) readout.textContent = id + " is not in this page; it is in history.jsonl or results.json.";
      return;
    }
    for (var up = at.parentElement; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
    at.scrollIntoView();
  }
  addEventListener("hashchange", follow);
  follow();

  // Pointing at the charts tells the figures of that moment.
  var data = document.getElementById("bins"), chart = document.querySelector("#chart svg");
  if (!data || !chart) return;
  var bins = JSON.parse(data.textContent), out = document.getElementById("readout");
  var hair = document.createElementNS("http://www.w3.org/2000/svg", "path");
  hair.setAttribute("stroke", "currentColor");
  hair.setAttribute("stroke-opacity", "0.5");
  hair.setAttribute("pointer-events", "none");
  chart.append(hair);
  function time(v) { return v < 0 ? "–" : v < 1000 ? v + " ms" : (v / 1000).toFixed(2) + " s"; }
  chart.addEventListener("pointermove", function (event) {
    var box = chart.getBoundingClientRect();
    var share = ((event.clientX - box.left) / box.width - bins.Left) / (bins.Right - bins.Left);
    if (share < 0 || share > 1) return;
    var row = bins.Rows[Math.min(bins.Rows.length - 1, Math.floor(share * bins.Width / bins.BinMS))];
    var x = (bins.Left + share * (bins.Right - bins.Left)) * chart.viewBox.baseVal.width;
    hair.setAttribute("d", "M" + x + " 0V" + (chart.viewBox.baseVal.height - 20));
    out.textContent = (share * bins.Width / 1000).toFixed(2) + " s:  " + row[0] + " ok/s · " + row[1] + " fail/s · " + row[2] +
      " info/s · median " + time(row[3]) + " · 99th percentile " + time(row[4]);
  });
})();
