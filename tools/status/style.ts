/** How the page of a status looks, light or dark as its reader has it; it takes nothing from elsewhere. */
export const style = `
:root {
  color-scheme: light dark;
  --back: #ffffff; --front: #1c2126; --dim: #57606a; --line: #c9d1d9; --card: #f6f8fa; --chip: #ffffff;
  --good: #1a7f37; --wait: #8a5a00; --bad: #c62828; --none: #57606a;
  --hue0: #0969da; --hue1: #bf5700; --hue2: #1a7f37; --hue3: #8250df; --hue4: #bf3989; --hue5: #0e7c86;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0f1419; --front: #e6edf3; --dim: #9aa5b1; --line: #3a434d; --card: #182028; --chip: #0f1419;
    --good: #4ac26b; --wait: #e0a100; --bad: #ff7b72; --none: #9aa5b1;
    --hue0: #58a6ff; --hue1: #f0883e; --hue2: #4ac26b; --hue3: #b191f5; --hue4: #f778ba; --hue5: #39c5cf;
  }
}
body { margin: 0 auto; padding: 1.5rem; max-width: 1280px; background: var(--back); color: var(--front);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
p { margin: .4rem 0; } .dim { color: var(--dim); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--dim); font-weight: 600; white-space: nowrap; } td:first-child { font-weight: 600; }
.time { white-space: nowrap; } td:first-child .words { display: block; }
code, .run { font-family: ui-monospace, monospace; font-size: 13px; }
.words { color: var(--dim); font-weight: 400; overflow-wrap: anywhere; white-space: pre-line; }
.current .state, .done .how { color: var(--good); }
.behind .state, .unclear .state, .warning .how { color: var(--wait); }
.degraded .state, .failed .how { color: var(--bad); font-weight: 600; }
.off .state, .lost .state, .not-asked .state { color: var(--none); }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .4em 0 1em; border-radius: 2px; }
details { margin: .4rem 0; } summary { cursor: pointer; }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--front); } svg .name { font-size: 14px; font-weight: 600; } svg .dim { fill: var(--dim); }
svg .frame { fill: none; stroke: var(--line); } svg .card { fill: var(--card); stroke: var(--line); }
svg .chip { fill: var(--chip); stroke: var(--line); }
svg .uses, svg .serves { fill: none; stroke: var(--dim); stroke-width: 1.2; } svg .serves { stroke-width: 3.5; }
svg .current .state { fill: var(--good); } svg .current .mark { fill: var(--good); }
svg .behind .state, svg .unclear .state { fill: var(--wait); } svg .behind .mark, svg .unclear .mark { fill: var(--wait); }
svg .degraded .state { fill: var(--bad); font-weight: 600; } svg .degraded .mark { fill: var(--bad); }
svg .off .state, svg .lost .state, svg .not-asked .state { fill: var(--none); }
svg .off .mark, svg .lost .mark, svg .not-asked .mark { fill: var(--none); }
svg .off .card, svg .lost .card { stroke-dasharray: 5 4; } svg .off .chip { stroke-dasharray: 5 4; }
${[0, 1, 2, 3, 4, 5].map((hue) => `.hue${hue} { fill: var(--hue${hue}); background: var(--hue${hue}); }`).join("\n")}
`;
