import assert from "node:assert/strict";
import { parseReadinessReport, printReadinessReport, type ReadinessReport } from "../../formats/readiness-report.ts";

describe("readiness-report", () => {
  it("reads what a board writes", () => {
    assert.deepEqual(parseReadinessReport(printReadinessReport(report)), { ok: true, report });
  });

  it("reads that of a virtual board that booted something unknown", () => {
    const virtual = { ...report, serial: null, generation: null, overlay: null, bootloader: null };
    assert.deepEqual(parseReadinessReport(printReadinessReport(virtual)), { ok: true, report: virtual });
  });

  it("says that a report of another format is of another version", () => {
    assert.match(reason({ ...written, format: 2, more: true }), /has format 2, and this Bramble reads 1/);
  });

  it("refuses what is no report", () => {
    assert.match(reason('{"format":1,"board":"pi'), /not JSON: it may be half written/);
    assert.match(reason(""), /not JSON/);
    assert.match(reason("[]"), /not as it should be/);
    assert.match(reason({}), /format/);
    assert.match(reason({ ...written, problems: ["x".repeat(65_536)] }), /more than 65536 bytes/);
  });

  it("refuses a report with a wrong field, and names it", () => {
    const bootloader = report.bootloader;
    const bad: [string, unknown][] = [
      ["board", "Pi 1"],
      ["board", "x".repeat(64)],
      ["serial", "9FFEFDEF"],
      ["generation", "0123456789ABCDEF"],
      ["generation", "0123456789abcdef0"],
      ["overlay", "abc"],
      ["versions", { kernel: "6.12" }],
      ["versions", { kernel: "6.12", os: "3.24\u001b[2J" }],
      ["versions", { kernel: "6.12", os: "3.24", "K 3 S": "1" }],
      ["bootloader", { ...bootloader, buildTimestamp: -1 }],
      ["bootloader", { ...bootloader, updateTimestamp: 2 ** 32 }],
      ["bootloader", { ...bootloader, updateTimestamp: "0" }],
      ["bootloader", { ...bootloader, settings: "x".repeat(4097) }],
      ["bootloader", { ...bootloader, settings: "BOOT_UART=1\u0000" }],
      ["bootloader", { ...bootloader, more: 1 }],
      ["problems", "none"],
      ["problems", ["two\nlines"]],
      ["problems", Array(101).fill("x")],
      ["bootId", "1"],
      ["writtenAt", "yesterday"],
    ];
    for (const [field, value] of bad) {
      assert.match(reason({ ...written, [field]: value }), new RegExp(`not as it should be: .*${field}`), field);
    }
    assert.match(reason({ ...written, more: 1 }), /more/);
    for (const field of Object.keys(written)) {
      const { [field as keyof typeof written]: _, ...rest } = written;
      assert.match(reason(rest), new RegExp(field), field);
    }
  });

  it("gives a reason that a terminal can show, whatever the machine wrote", () => {
    const said = reason({ ...written, ["\u001b[2J\u202e".repeat(500)]: 1 });
    assert.match(said, /^[ -~]+…$/);
    assert.ok(said.length < 400);
  });

  it("writes no report that would not be read", () => {
    assert.throws(() => printReadinessReport({ ...report, board: "Pi 1" }), /must be a host name/);
  });
});

const report: ReadinessReport = {
  board: "pi1",
  serial: "100000009ffefdef",
  generation: "0123456789abcdef",
  overlay: "ab".repeat(32),
  versions: { kernel: "6.12.40-0-rpi", os: "Alpine Linux v3.24", libvirt: "11.5.0-r0" },
  bootloader: {
    buildTimestamp: 1746713597,
    updateTimestamp: 1746800000,
    settings: "[all]\nBOOT_UART=1\nBOOT_ORDER=0xf12\n",
  },
  problems: ["chronyd: not in sync"],
  bootId: "0b3c9a4e-7d2f-4a5b-9c1d-2e3f4a5b6c7d",
  writtenAt: "2026-08-01T10:00:00Z",
};
const written = { format: 1, ...report };

function reason(value: unknown): string {
  const read = parseReadinessReport(typeof value === "string" ? value : JSON.stringify(value));
  assert.ok(!read.ok, "it was taken");
  return read.reason;
}
