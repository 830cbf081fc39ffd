import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import type { Status } from "../../tools/status/model.ts";
import { statusPage } from "../../tools/status/page.ts";
import { chromium, type Rendered, renderPage } from "../doubles/chromium.ts";
import { sampleStatus } from "./support/status-sample.ts";

const page = (status: Status = sampleStatus()) => statusPage(status, { offsetMinutes: 60 });

describe("the page of a status", () => {
  it("takes nothing from elsewhere, and forbids itself to", () => {
    const html = page();
    match(html, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
    deepEqual(
      [...html.matchAll(/(?:src|href|url\()\s*=?\s*["'(]?[^"') >]*/g)].map(([found]) => found),
      ["src 'none", "src 'unsafe-inline"],
    );
    deepEqual(
      [...html.matchAll(/https?:[^"]*/g)].map(([found]) => found),
      ["http://www.w3.org/2000/svg"],
    );
  });

  it("shows whatever machines said as text", () => {
    const status = sampleStatus();
    const evil = `</style><script>alert("1")</script><img src='x'>&amp;`;
    const boards = status.boards.map((board) => ({ ...board, words: evil, runs: evil }));
    const html = page({ ...status, boards });
    ok(!html.includes("<script") && !html.includes("<img"));
    ok(html.includes("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=&#39;x&#39;&gt;&amp;amp;"));
  });

  it("has a picture with each board and VM once, and no card over another, however many there are", () => {
    const status = sampleStatus();
    const [first] = status.boards;
    ok(first);
    const boards = Array.from({ length: 23 }, (_, index) => ({ ...first, name: `b${index}` }));
    const vms = status.vms.flatMap((vm) =>
      boards.slice(0, 10).map(({ name }) => ({ ...vm, name: `${vm.name}-on-${name}`, host: name })),
    );
    const cards = [...page({ ...status, boards, vms }).matchAll(cardPattern)].map(([, ...numbers]) =>
      numbers.map(Number),
    );
    equal(cards.length, boards.length + status.storages.length);
    for (const [index, one] of cards.entries())
      for (const other of cards.slice(index + 1)) ok(!overlap(one, other), `${one} and ${other}`);
    const html = page();
    for (const { name } of [...status.boards, ...status.vms]) equal(html.split(`>${name}</text>`).length, 2, name);
  });

  it("is a page of a site without boards that boot over the network, VMs and storage too", () => {
    const { bootServer: _, ...status } = sampleStatus();
    const boards = status.boards.slice(0, 1).map((board) => ({ ...board, timeline: [] }));
    const html = page({ ...status, boards, vms: [], clusters: [], storages: [] });
    ok(!html.includes("<h2>VMs") && !html.includes("<h2>Last boots"));
  });

  describe("in a real browser", function () {
    this.timeout(180_000);
    let dark: Rendered;
    let light: Rendered;

    before(async function () {
      if (!existsSync(chromium)) this.skip();
      dark = await renderPage(page(), "dark");
      light = await renderPage(page(), "light");
    });

    it("is understood as it was written, without a complaint and without a network", () => {
      deepEqual(dark.complaints, []);
      match(dark.dom, /<title>home: 11 machines: 2 degraded, 2 off, 1 behind, 6 current<\/title>/);
      const rows = dark.dom.split(/<tr class="(?:current|behind|degraded|off)">/).length - 1;
      equal(rows, 11);
      match(dark.dom, /<details open=""><summary>pi3<\/summary>/);
      match(dark.dom, /<\/svg>\s*<\/div>\s*<h2>Boards<\/h2>/);
    });

    it("is dark for who has it dark, and light for who has it light", () => {
      deepEqual(dark.corner, [0x0f, 0x14, 0x19]);
      deepEqual(light.corner, [0xff, 0xff, 0xff]);
    });
  });
});

const cardPattern = /<rect class="card" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g;

function overlap(one: readonly number[], other: readonly number[]): boolean {
  const [x1 = 0, y1 = 0, w1 = 0, h1 = 0] = one;
  const [x2 = 0, y2 = 0, w2 = 0, h2 = 0] = other;
  return x1 < x2 + w2 && x2 < x1 + w1 && y1 < y2 + h2 && y2 < y1 + h1;
}
