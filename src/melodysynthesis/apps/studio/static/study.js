// The report of a study that was carried out, within the page.

import { html } from "./dom.js";

const WHERE = "/api/study";

/** @param {boolean} there  whether the studio was given one @returns {Node[]} */
export function reportOf(there) {
  if (!there) {
    const commands = ["melody study run smoke --out studies/smoke", "melody study report studies/smoke", "melody studio --study studies/smoke"];
    return [
      html("p", {}, "One melody says little about a model. A study trains every model several times with the same budget and judges it on many melodies; its report is shown here:"),
      html("pre", { tabindex: 0, "aria-label": "Commands" }, commands.join("\n")),
    ];
  }
  return [
    html("p", {}, html("a", { href: WHERE, target: "_blank", rel: "noopener" }, "Open the report by itself")),
    html("iframe", { src: WHERE, title: "The study’s report", loading: "lazy", sandbox: "allow-popups" }),
  ];
}
