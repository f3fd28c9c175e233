/**
 * The look of every report page: one column of text measure, full width for pictures, system fonts, figures of one
 * width in numbers, light and dark by the reader's own setting. Colour names are roles; plots refer to them too.
 */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --sheet: #f5f6f8; --rule: #dfe3e8; --ink: #171d28; --muted: #596273;
  --accent: #2a5fd0; --highlight: #b24f08; --good: #12734f; --bad: #b3261e; --heat: #2a5fd0;
  --series-1: #0b62c4; --series-2: #c4560b; --series-3: #00805f; --series-4: #a83f85; --series-5: #8a6d00; --series-6: #3f3f46;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12151b; --sheet: #1a1f27; --rule: #2e3541; --ink: #e9ebef; --muted: #a0a9b8;
    --accent: #7ba6ff; --highlight: #f2a45c; --good: #5fd3a2; --bad: #ff8f85; --heat: #7ba6ff;
    --series-1: #7ba6ff; --series-2: #f2a45c; --series-3: #5fd3a2; --series-4: #e59acb; --series-5: #dcc060; --series-6: #c9cdd6;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif;
}
main, .masthead, footer { max-width: 1184px; margin: 0 auto; padding: 0 24px; }
h1, h2, h3 { line-height: 1.2; letter-spacing: -0.012em; text-wrap: balance; margin: 0; }
h1 { font-size: clamp(1.9rem, 1.3rem + 2.6vw, 3rem); font-weight: 700; letter-spacing: -0.022em; }
h2 { font-size: 1.375rem; font-weight: 650; }
h3 { font-size: 1rem; font-weight: 650; }
p { margin: 0; max-width: 72ch; text-wrap: pretty; }
a { color: var(--accent); }
section { margin-top: 56px; }
section > h2 + p { margin-top: 8px; }
section > h2 + pre { margin-top: 14px; }
.masthead { padding-top: 36px; }
.brand { font-weight: 700; letter-spacing: -0.01em; display: flex; align-items: center; gap: 8px; margin-bottom: 28px; }
.brand span { color: var(--muted); font-weight: 400; }
.brand svg { display: block; }
.lead { font-size: 1.1875rem; line-height: 1.5; margin-top: 16px; max-width: 66ch; }
.lead strong { font-weight: 650; }
.about { color: var(--muted); margin-top: 12px; max-width: none; overflow-wrap: anywhere; }
.note { max-width: 88ch; }
.files { margin-top: 16px; }
.note, figcaption { color: var(--muted); font-size: 0.9375rem; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1px; margin: 32px 0 0; padding: 0;
  background: var(--rule); border: 1px solid var(--rule); border-radius: 10px; overflow: hidden; }
.tile { background: var(--paper); padding: 16px 18px 15px; }
.tile dt { color: var(--muted); font-size: 0.875rem; }
.tile dd { margin: 0; }
.tile-value { font-size: 1.75rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.tile-note { color: var(--muted); font-size: 0.8125rem; line-height: 1.4; }
figure { margin: 0; }
.triple { display: flex; gap: 4px; }
.triple > div { flex: 0 1 var(--side); min-width: 0; }
.triple img { display: block; width: 100%; height: auto; background: #8a8a8a; outline: 1px solid color-mix(in srgb, var(--ink) 16%, transparent); outline-offset: -1px; }
.triple small { display: block; color: var(--muted); font-size: 0.75rem; line-height: 1.3; margin-top: 5px; }
.pixelated img { image-rendering: pixelated; }
.landmarks { display: grid; grid-template-columns: repeat(3, 1fr); gap: 28px; margin-top: 20px; --side: var(--large); }
.landmarks h3 { margin-bottom: 2px; }
.landmarks .rank { color: var(--muted); font-size: 0.875rem; margin-bottom: 10px; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(calc(3 * var(--side) + 8px), 1fr)); gap: 26px 24px; margin-top: 20px; --side: var(--small); }
.example figcaption { margin-top: 8px; line-height: 1.4; font-variant-numeric: tabular-nums; max-width: calc(3 * var(--side) + 8px); }
.change { color: var(--ink); font-weight: 600; overflow-wrap: anywhere; }
.change .arrow { color: var(--muted); font-weight: 400; padding: 0 0.15em; }
.sizes { display: flex; flex-wrap: wrap; gap: 0 12px; font-size: 0.8125rem; }
.tag { display: inline-block; font-size: 0.75rem; line-height: 1.5; padding: 0 7px; border-radius: 99px; border: 1px solid currentColor; }
.good { color: var(--good); } .bad { color: var(--bad); }
.key { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; margin-top: 14px; color: var(--muted); font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.key .scale { display: flex; align-items: center; gap: 10px; white-space: nowrap; min-width: 0; }
.key .ramp { flex: 0 1 180px; width: 180px; min-width: 40px; height: 12px; border-radius: 3px; }
.plots { display: grid; grid-template-columns: 1fr 1fr; gap: 36px; margin-top: 20px; }
.plots h3 { margin-bottom: 10px; }
.plots figcaption { margin-top: 10px; }
.plot svg { display: block; width: 100%; height: auto; font-variant-numeric: tabular-nums; }
.plot .narrow { display: none; }
.scroll { overflow-x: auto; margin-top: 16px; max-width: 100%; }
.scroll:focus-visible, summary:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; width: 100%; }
caption { text-align: left; color: var(--muted); padding-bottom: 8px; }
th, td { text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; }
.numeric + :not(.numeric) { padding-left: 10px; }
th.numeric, td.numeric { text-align: right; }
.sortable { font-size: 0.8125rem; }
.sortable th { white-space: normal; }
.sortable th:not(.numeric) button { text-align: left; }
.sortable th.numeric button { text-align: right; }
.sortable button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
.sortable button::after { content: '\\2195'; color: var(--muted); font-weight: 400; margin-left: 4px; font-size: 0.8em; }
.sortable [aria-sort=ascending] button::after { content: '\\2191'; color: var(--accent); }
.sortable [aria-sort=descending] button::after { content: '\\2193'; color: var(--accent); }
.heat { width: auto; }
.heat th, .heat td { border: 0; padding: 0; text-align: center; }
.heat td { min-width: 42px; height: 36px; padding: 0 6px; border: 1px solid var(--paper); background: var(--sheet); color: var(--ink); }
.heat td.same { background: none; color: var(--muted); }
.heat thead th { padding: 0 6px 6px; }
.heat tbody th { text-align: right; padding-right: 10px; vertical-align: middle; }
.classes { display: grid; grid-template-columns: minmax(0, max-content) minmax(0, 27rem); gap: 12px 88px; align-items: start; }
details { border: 1px solid var(--rule); border-radius: 10px; padding: 0 18px; margin-top: 16px; }
summary { cursor: pointer; padding: 12px 0; font-weight: 600; }
details[open] { padding-bottom: 16px; }
.definitions { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 36px; margin: 16px 0 0; }
.definitions > div { display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: 12px; padding: 7px 0; border-bottom: 1px solid var(--rule); font-size: 0.9375rem; }
.definitions dt { color: var(--muted); }
.definitions dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
pre { background: var(--sheet); border-radius: 10px; padding: 14px 18px; margin: 16px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
code, pre { font: 0.875rem/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace; }
.glossary { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px 48px; margin: 20px 0 0; }
.glossary dt { font-weight: 650; }
.glossary dd { margin: 2px 0 0; color: var(--muted); max-width: 60ch; }
.formula { color: var(--ink); white-space: nowrap; font-family: 'STIX Two Math', 'Cambria Math', Georgia, serif; }
footer { color: var(--muted); font-size: 0.875rem; margin-top: 64px; padding-bottom: 40px; }
footer p { border-top: 1px solid var(--rule); padding-top: 16px; max-width: none; }
@media (max-width: 1000px) { .landmarks { grid-template-columns: 1fr; } .classes { grid-template-columns: minmax(0, 1fr); } .plots { grid-template-columns: 1fr; } }
@media (max-width: 760px) {
  .tiles { grid-template-columns: repeat(2, 1fr); }
  .definitions, .glossary { grid-template-columns: 1fr; }
}
@media (max-width: 520px) {
  main, .masthead, footer { padding-left: 16px; padding-right: 16px; }
  .masthead { padding-top: 24px; } section { margin-top: 44px; }
  .tile { padding: 13px 14px; } .tile-value { font-size: 1.5rem; }
  .plot .wide { display: none; } .plot .narrow { display: block; }
  .definitions > div { grid-template-columns: 1fr; gap: 0; }
  .gallery { grid-template-columns: 1fr; --side: var(--large); }
}
@media print {
  :root { --paper: #fff; --sheet: #f5f6f8; --rule: #dfe3e8; --ink: #171d28; --muted: #596273; --accent: #2a5fd0; --highlight: #b24f08; }
  .example, .plot, .tile, tr { break-inside: avoid; }
}
`;
