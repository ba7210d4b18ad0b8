// What the page gains with JavaScript; without it, everything is there. Nothing here asks the network.
"use strict";
(() => {
  // A link to something within a fold opens the fold.
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  if (location.hash) open();

  // Charts: the first hover loads Vega, which draws the same chart again with tooltips.
  const here = document.currentScript || document.querySelector('script[src$="assets/site.js"]');
  const assets = here.getAttribute("src").replace("site.js", "");
  let loading;
  const vegaLoaded = () => loading ||= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = assets + "vega.js";
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  const show = (_, event, __, value) => {
    tip.hidden = !value;
    if (!value) return;
    tip.replaceChildren(...Object.entries(value).map(([name, said]) => {
      const line = document.createElement("span"), label = document.createElement("b");
      label.textContent = name + " ";
      line.append(label, String(said));
      return line;
    }));
    tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
    tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
  };
  const themed = (text) => {
    const style = getComputedStyle(document.documentElement);
    for (const [colour, name] of Object.entries(window.overbuildCharts.palette)) {
      const value = name === "--hatch" ? "url(#hatch)" : style.getPropertyValue(name).trim();
      text = text.replaceAll(`"${colour}"`, JSON.stringify(value));
    }
    return JSON.parse(text);
  };
  const redraw = async (figure) => {
    await vegaLoaded();
    const spec = themed(figure.querySelector("script.spec").textContent);
    const config = themed(JSON.stringify(window.overbuildCharts.config));
    const place = figure.querySelector(".drawing .wide"), drawn = document.createElement("div");
    await vegaEmbed(drawn, spec, {
      config, ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: show, mode: "vega-lite",
    });
    for (const svg of drawn.querySelectorAll("svg")) svg.setAttribute("aria-hidden", "true");
    place.replaceChildren(drawn);
  };
  if (window.overbuildCharts) {
    document.body.append(tip);
    for (const figure of document.querySelectorAll("figure.chart")) {
      const place = figure.querySelector(".drawing .wide");
      if (place) place.addEventListener("pointerenter", () => redraw(figure).catch((why) => console.error(why)), { once: true });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
  }
})();
