"use strict";
// What all pages share: their data, and elements whose texts stay texts.
const Cairn = { data: JSON.parse(document.getElementById("data").textContent) };
const $ = (id) => document.getElementById(id);

// An element with attributes and children; strings become text, never markup.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const words = (name) => (name === null ? "no action" : name.replaceAll("_", " "));
const seconds = (t) => (t === null ? "" : t < 100 ? t.toFixed(2) + " s" : t < 6000 ? Math.floor(t / 60) + " min " + Math.round(t % 60) + " s" : (t / 3600).toFixed(2) + " h");
