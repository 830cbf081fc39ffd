import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ConfigLine,
  checkConfigTxt,
  parseConfigLine,
  parseConfigTxt,
  printConfigTxt,
} from "../../formats/config-txt.ts";

describe("config-txt", () => {
  it("prints settings, filters, comments and an initramfs without =", () => {
    const text = printConfigTxt([
      { kind: "comment", text: "for one board" },
      { kind: "setting", name: "kernel", value: "vmlinuz" },
      { kind: "initramfs", files: ["initramfs", "extra.gz"] },
      { kind: "filter", name: "pi4" },
      { kind: "setting", name: "gpio", value: "4=op,dh" },
      { kind: "filter", name: "all" },
    ]);
    assert.equal(
      text,
      `# for one board
kernel=vmlinuz
initramfs initramfs,extra.gz followkernel
[pi4]
gpio=4=op,dh
[all]
`,
    );
  });

  it("reads what it prints", () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 30 }), (lines) => {
        const text = printConfigTxt(lines);
        const read = parseConfigTxt(text);
        assert.deepEqual(read.lines, lines);
        assert.deepEqual(
          read.problems.filter(({ severity }) => severity === "error"),
          [],
        );
      }),
    );
  });

  it("prints no line that would be read as another, or as two", () => {
    const bad: [ConfigLine, RegExp][] = [
      [{ kind: "setting", name: "kernel", value: "a\nos_prefix=b" }, /not printable ASCII/],
      [{ kind: "setting", name: "kernel", value: "a\r" }, /carriage return/],
      [{ kind: "setting", name: "kernel", value: "vmlinuz " }, /spaces/],
      [{ kind: "setting", name: "kernel", value: "kernél" }, /not printable ASCII/],
      [{ kind: "setting", name: "", value: "x" }, /cannot be a name/],
      [{ kind: "setting", name: "a=b", value: "x" }, /would be read as/],
      [{ kind: "setting", name: "#a", value: "x" }, /would be read as/],
      [{ kind: "setting", name: "include", value: "x.txt" }, /include/],
      [{ kind: "setting", name: "initramfs", value: "x" }, /without =/],
      [{ kind: "initramfs", files: [] }, /without =/],
      [{ kind: "initramfs", files: ["a,b"] }, /would be read as/],
      [{ kind: "filter", name: "pi4]\n[all" }, /not printable ASCII/],
      [{ kind: "comment", text: "a\nb=c" }, /not printable ASCII/],
    ];
    for (const [line, complaint] of bad) assert.throws(() => printConfigTxt([line]), complaint, JSON.stringify(line));
  });

  it("refuses a file that network boot would ignore, and one byte less is well", () => {
    const line: ConfigLine = { kind: "comment", text: "x".repeat(61) }; // 64 bytes with # and line end
    const most: ConfigLine[] = [...Array(63).fill(line), { kind: "comment", text: "x".repeat(60) }];
    assert.equal(printConfigTxt(most).length, 4095);
    assert.throws(() => printConfigTxt(Array(64).fill(line)), /4096 bytes, and network boot takes 4095/);
  });

  it("names the line of every mistake", () => {
    const text = [
      "arm_64bit=1",
      "include usercfg.txt",
      "initramfs=initramfs followkernel",
      `kernel=${"k".repeat(91)}`,
      `kernel=${"k".repeat(92)}`,
      "kernel=vmlinuz\r",
      " kernel=vmlinuz",
      "kernel = vmlinuz",
      "kernel",
      "# größer",
      "initramfs initramfs 0x00800000",
      "",
    ].join("\n");
    assert.deepEqual(
      checkConfigTxt(text).map(({ line, severity, message }) => `${line} ${severity} ${message.slice(0, 40)}`),
      [
        "2 error the bootloader in the EEPROM does not fo",
        "3 error initramfs is written without =: initramf",
        "5 error has 99 characters, and boards ignore all",
        "6 error ends with a carriage return: save the fi",
        "7 error has spaces at its beginning or end, whic",
        '8 error "kernel " cannot be a name: write name=v',
        "9 error is not a setting: write name=value",
        "10 error has a character that is not printable AS",
        "11 error place the initramfs with the word follow",
      ],
    );
  });

  it("refuses a file without an end of its last line", () => {
    assert.deepEqual(
      checkConfigTxt("kernel=vmlinuz").map(({ line }) => line),
      [0],
    );
    assert.deepEqual(checkConfigTxt(""), []);
  });

  it("warns of a filter that no firmware knows, since boards take it as true", () => {
    const known = ["all", "none", "pi4", "pi5", "cm5", "board-type=0x17", "0x1234abcd", "gpio4=1", "boot_arg1&4=4"];
    assert.deepEqual(checkConfigTxt(known.map((name) => `[${name}]\n`).join("")), []);
    for (const name of ["pi6", "PI4", "cm4+", "all ", "gpio4", "board-type=23"]) {
      const [problem] = checkConfigTxt(`[${name}]\n`);
      assert.equal(problem?.severity, "warning", name);
      assert.match(problem?.message ?? "", /boards take an unknown one as true/);
    }
  });

  it("reads a single line, or says why it is none", () => {
    assert.deepEqual(parseConfigLine("dtparam=i2c_arm=on"), { kind: "setting", name: "dtparam", value: "i2c_arm=on" });
    assert.throws(() => parseConfigLine("dtparam"), /"dtparam": is not a setting: write name=value/);
  });
});

const printable = (maxLength: number) =>
  fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength });
const word = (maxLength: number) => fc.stringMatching(new RegExp(`^[a-z][a-z0-9_]{0,${maxLength - 1}}$`));

const anyLine: fc.Arbitrary<ConfigLine> = fc.oneof(
  fc
    .tuple(
      word(20).filter((name) => name !== "include" && name !== "initramfs"),
      printable(60),
    )
    .map(([name, value]): ConfigLine => ({ kind: "setting", name, value: value.trim() })),
  fc.array(word(15), { minLength: 1, maxLength: 3 }).map((files): ConfigLine => ({ kind: "initramfs", files })),
  fc.constantFrom("all", "pi4", "gpio4=1", "0x1234abcd").map((name): ConfigLine => ({ kind: "filter", name })),
  printable(90).map((text): ConfigLine => ({ kind: "comment", text })),
);
