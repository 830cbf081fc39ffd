import { equal } from "node:assert/strict";
import fc from "fast-check";
import { parseSlurmTime } from "../../formats/slurm-time.ts";

describe("a time of Slurm", () => {
  it("is read with and without days and hours", () => {
    const times = { "0:09": 9, "20:00": 1200, "3:20:00": 12_000, "03:20:00": 12_000, "2-00:00:05": 172_805 };
    for (const [text, seconds] of Object.entries(times)) equal(parseSlurmTime(text), seconds, text);
  });

  it("that is a word, or no time, is none", () => {
    for (const text of ["UNLIMITED", "NOT_SET", "INVALID", "", "5", "1-5", "1:2:3:4", "-1:00", "1-1:00"])
      equal(parseSlurmTime(text), undefined, text);
  });

  it("is the same number of seconds as Slurm made it from", () => {
    const two = (number: number) => String(number).padStart(2, "0");
    fc.assert(
      fc.property(fc.integer({ min: 86_400, max: 365 * 86_400 }), (seconds) => {
        const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit));
        const text = `${days}-${[hours ?? 0, minutes ?? 0, seconds].map((part, index) => two(part % (index === 0 ? 24 : 60))).join(":")}`;
        equal(parseSlurmTime(text), seconds, text);
      }),
    );
  });
});
